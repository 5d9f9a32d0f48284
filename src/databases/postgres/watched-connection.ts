import type { Row } from '../../core/change.ts'
import { type Answered, OPAQUE_SQL } from './observe.ts'
import { isSubmittable, textOf } from './query-config.ts'
import type { SendSql } from './session.ts'

/** A connection in a transaction of a client that sends its statements by itself, as it is watched. */
export interface WatchedConnection {
  /** Sends a statement unwatched. */
  readonly send: SendSql
  /**
   * Has every statement announced before it is sent, by its text; what `announce` throws, its sender gets. Returns what
   * ends that.
   */
  watch(announce: (sql: string) => Answered): () => void
  /** Called once the client's transaction is over. */
  done?(): void
}

/** What is used of a connection of `pg`, or of PGlite in a transaction. */
export interface PgConnection {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client's own overloads take
  query(...parameters: any[]): any
  on?(event: 'error', listener: (error: Error) => void): unknown
  removeListener?(event: 'error', listener: (error: Error) => void): unknown
}

interface Result {
  readonly rows: readonly unknown[]
  readonly fields?: readonly { readonly name: string; readonly dataTypeID: number }[]
}

type Callback = (error: unknown, result?: unknown) => void

/** Types of which every parser makes the same: boolean, integers, text and uuid. */
const PLAIN_TYPES = [16, 20, 21, 23, 25, 1042, 1043, 2950]

/** Watches a connection of `pg`, or of PGlite in a transaction: every call of its `query`, promise or callback. */
export function watchedPg(connection: PgConnection): WatchedConnection {
  const query = connection.query.bind(connection)
  const own = Object.hasOwn(connection, 'query') ? connection.query : undefined
  // Pools listen to idle connections only: one that is lost while checked out would end the process.
  const ignore = () => {}
  connection.on?.('error', ignore)
  return {
    done: () => connection.removeListener?.('error', ignore),
    send: async (text, parameters = []) => {
      const { rows } = (await query(text, [...parameters])) as { rows: Row[] }
      return rows
    },
    watch(announce) {
      connection.query = (...parameters: unknown[]) => {
        const [config] = parameters
        if (isSubmittable(config)) {
          announce(OPAQUE_SQL)
          return query(...parameters)
        }
        const at = parameters.findIndex((one) => typeof one === 'function')
        const callback = parameters[at] as Callback | undefined
        let answered: Answered
        try {
          answered = announce(textOf(config) ?? OPAQUE_SQL)
        } catch (error) {
          if (callback === undefined) return Promise.reject(error)
          queueMicrotask(() => callback(error))
          return undefined
        }
        const unusual = hasParsers(config) || hasParsers(parameters[2])
        const tell = (result: unknown) => {
          const one = Array.isArray(result) ? undefined : (result as Result | undefined)
          if (one !== undefined) tellRows(answered, one, unusual)
        }
        if (callback === undefined) {
          return Promise.resolve(query(...parameters)).then((result: unknown) => {
            tell(result)
            return result
          })
        }
        const heard: Callback = (error, result) => {
          if (!error) tell(result)
          callback(error, result)
        }
        return query(...parameters.with(at, heard))
      }
      return () => {
        if (own === undefined) Reflect.deleteProperty(connection, 'query')
        else connection.query = own
      }
    },
  }
}

/** Whether a query has parsers of its own, whose values may be of another form than those that keys are made of. */
function hasParsers(config: unknown): boolean {
  return (
    typeof config === 'object' &&
    config !== null &&
    ['types', 'parsers', 'binary'].some((one) => one in config)
  )
}

/** Tells rows as objects, of those columns alone whose values are such as keys are made of. */
function tellRows(answered: Answered, { rows, fields = [] }: Result, unusual: boolean): void {
  const arrays = Array.isArray(rows[0])
  const names = fields.map(({ name }) => name)
  if (!arrays && !unusual) {
    answered(rows)
    return
  }
  // One of two columns of a name would hide the other.
  if (new Set(names).size < names.length) return
  const kept = fields.flatMap(({ name, dataTypeID }, at) =>
    unusual && !PLAIN_TYPES.includes(dataTypeID) ? [] : [{ name, at }],
  )
  const told = rows.map((row) =>
    Object.fromEntries(
      kept.map(({ name, at }) => [name, arrays ? (row as unknown[])[at] : (row as Row)[name]] as const),
    ),
  )
  answered(
    told,
    kept.map(({ name }) => name),
  )
}
