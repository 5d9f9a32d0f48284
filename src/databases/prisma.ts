import { AsyncLocalStorage } from 'node:async_hooks'
import type { Row } from '../core/change.ts'
import { CacheError, show } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import type { BoundDatabase, IsolationLevel, UnitSource } from './adapter.ts'
import { definePostgresClient, type PostgresBindOptions } from './postgres/define-client.ts'
import { type Answered, OPAQUE_SQL } from './postgres/observe.ts'
import type { WatchedConnection } from './postgres/watched-connection.ts'
import { type Described, type PrismaModel, type PrismaOperation, statementOf } from './prisma/statement-of.ts'

/** What is used of a Prisma client, version 7. */
export interface PrismaLike {
  // biome-ignore lint/suspicious/noExplicitAny: an array of operations, or a body
  $transaction(...parameters: any[]): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: a promise of Prisma's own
  $queryRawUnsafe(sql: string, ...parameters: any[]): any
  // biome-ignore lint/suspicious/noExplicitAny: an extended client
  readonly $extends: any
}

/** The transaction that a Prisma client hands to its bodies. */
export type PrismaTransaction<Client extends PrismaLike> = Parameters<
  Parameters<Client['$transaction']>[0]
>[0]

/** Options of `bindPrisma`. */
export interface PrismaBindOptions extends PostgresBindOptions {
  /** After how many milliseconds Prisma gives a transaction up. @default Prisma's own: 5,000 */
  readonly timeout?: number | undefined
  /** How many milliseconds a transaction may wait for a connection. @default Prisma's own: 2,000 */
  readonly maxWait?: number | undefined
}

/** What a body is given besides the controls of every bound database. */
export interface InsidePrisma<Tx> {
  /** The client's own transaction. */
  readonly tx: Tx
}

/** What a bound Prisma client has besides `transaction`. */
export interface OutsidePrisma<Client extends PrismaLike> {
  /**
   * Inside a transaction its own `tx`, elsewhere the client that was bound: for functions that are given no handle. What
   * is written through it outside a transaction goes unnoticed.
   */
  readonly prisma: Client | PrismaTransaction<Client>
}

/** A Prisma client, its transactions bound to a cache. */
export type BoundPrisma<Client extends PrismaLike> = BoundDatabase<
  InsidePrisma<PrismaTransaction<Client>>,
  OutsidePrisma<Client>
>

type Raw = Pick<PrismaLike, '$queryRawUnsafe'>

/** What a transaction's operations are announced to. */
interface Listener {
  announce: ((sql: string) => Answered) | undefined
}

/** The transactions of one binding. */
interface Room {
  readonly listeners: AsyncLocalStorage<Listener>
  readonly open: Set<Listener>
}

const LEVELS: Readonly<Record<IsolationLevel, string>> = {
  'read committed': 'ReadCommitted',
  'repeatable read': 'RepeatableRead',
  serializable: 'Serializable',
}

/**
 * Binds a Prisma client on PostgreSQL to a cache: what a transaction wrote is invalidated once it has committed, and only
 * then.
 *
 * Every operation of the transaction is noticed. What `create`, `update` and `delete` of a model without relations return
 * makes the invalidation narrower; nested writes, operations that relations may carry further, and raw functions are
 * found by the transaction's locks, as whole tables. Raw SQL is read as `bindPg` reads it. A client that other extensions
 * of queries surround may do something else than it is asked: its writes are found by locks alone. An operation outside a
 * transaction is not noticed: run it in one, instead of `prisma.$transaction`.
 *
 * Prisma gives a transaction up after 5 s, unless `timeout` says otherwise. Bind a client once.
 *
 * @throws CacheError `INVALID_ARGUMENT`, `INVALID_OPTION`, or `UNSUPPORTED` for a client on another database
 *
 * @example
 * ```ts
 * // prelude: clients
 * import { bindPrisma } from 'coherent-cache/prisma'
 *
 * const db = bindPrisma(prisma, cache, { timeout: 10_000 })
 * await db.transaction(async ({ tx, write }) => {
 *   await tx.payment.create({ data: { landlordId: 3, amount: 500 } })
 *   write('ledger', { operation: 'insert', rows: [{ id: 1 }] })
 * })
 * ```
 */
export function bindPrisma<Client extends PrismaLike>(
  prisma: Client,
  cache: UnitSource,
  options: PrismaBindOptions = {},
): BoundPrisma<Client> {
  checkOptions(options, ['detectWrites', 'journal', 'timeout', 'maxWait'], 'bind prisma')
  checkPrisma(prisma)
  const { detectWrites, journal, ...limits } = options
  const room: Room = { listeners: new AsyncLocalStorage(), open: new Set() }
  const noticing: PrismaLike = noticingClient(prisma, room)

  const bind = definePostgresClient<PrismaLike, Raw, InsidePrisma<unknown>, OutsidePrisma<PrismaLike>>({
    name: 'prisma',
    check: checkPrisma,
    runner: (_, { isolation }) => {
      const listener: Listener = { announce: undefined }
      return {
        begin: (body) =>
          noticing.$transaction((tx: Raw) => room.listeners.run(listener, () => body(tx)), {
            ...limits,
            ...(isolation === undefined ? {} : { isolationLevel: LEVELS[isolation] }),
          }),
        connection: (tx) => watched(tx, listener, room),
        ask: async (text) => prisma.$queryRawUnsafe(text),
      }
    },
    inside: (tx) => ({ tx }),
    outside: (_, current) => ({
      get prisma() {
        return current()?.tx ?? prisma
      },
    }),
  })
  // What is handed to bodies is the client's own, so it is of the client's own type.
  return bind(prisma, cache, { detectWrites, journal }) as unknown as BoundPrisma<Client>
}

function checkPrisma(prisma: PrismaLike): void {
  if (typeof prisma?.$transaction !== 'function' || typeof prisma.$extends !== 'function') {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `bindPrisma: ${show(prisma)} is no Prisma client. Pass new PrismaClient(…).`,
    )
  }
  const { _activeProvider: provider } = prisma as { _activeProvider?: unknown }
  if (provider === 'postgresql') return
  throw new CacheError(
    'UNSUPPORTED',
    `bindPrisma: the provider ${show(provider)} is not supported, 'postgresql' is. For another database use defineDatabase.`,
  )
}

/** The client with an extension that announces every operation of a bound transaction before it is sent. */
function noticingClient(prisma: PrismaLike, { listeners, open }: Room): PrismaLike {
  const { _runtimeDataModel, _extensions } = prisma as {
    _runtimeDataModel?: {
      readonly models: Readonly<Record<string, Omit<PrismaModel, 'dbName'> & { dbName: string | null }>>
    }
    _extensions?: { isEmpty(): boolean }
  }
  const plain = _extensions?.isEmpty() === true
  const describe = (operation: PrismaOperation): Described => {
    const { model: name, args } = operation
    if (name === undefined) return { sql: rawText(args) ?? OPAQUE_SQL }
    const model = plain ? _runtimeDataModel?.models[name] : undefined
    const described = model && statementOf(operation, { ...model, dbName: model.dbName ?? name })
    return described ?? { sql: OPAQUE_SQL }
  }
  const notice = async (
    operation: PrismaOperation & { query(args: unknown): Promise<unknown> },
  ): Promise<unknown> => {
    const listener = listeners.getStore()
    // Sent from elsewhere than its body, by a transaction that nobody can tell from the others.
    if (listener === undefined) for (const one of open) one.announce?.(OPAQUE_SQL)
    const announce = listener?.announce
    if (announce === undefined) return operation.query(operation.args)
    const { sql, columns } = describe(operation)
    const answered = announce(sql)
    const result = await operation.query(operation.args)
    if (operation.model === undefined) {
      if (Array.isArray(result)) answered(result)
    } else if (columns !== undefined) tell(answered, [result].flat() as readonly Row[], columns)
    return result
  }
  return prisma.$extends({ query: { $allOperations: notice } })
}

/** Tells rows by their columns, of those that every one of them has. */
function tell(answered: Answered, rows: readonly Row[], columns: ReadonlyMap<string, string>): void {
  const kept = [...columns].filter(([field]) => rows.every((row) => Object.hasOwn(row, field)))
  const told = rows.map((row) => Object.fromEntries(kept.map(([field, column]) => [column, row[field]])))
  answered(
    told,
    kept.map(([, column]) => column),
  )
}

/** A transaction's own way to send things, past the extension. */
function watched(tx: Raw, listener: Listener, { listeners, open }: Room): WatchedConnection {
  return {
    send: (text, parameters = []) =>
      listeners.run({ announce: undefined }, async () => {
        const rows: unknown = await tx.$queryRawUnsafe(text, ...parameters)
        return Array.isArray(rows) ? rows : []
      }),
    watch(announce) {
      listener.announce = announce
      open.add(listener)
      return () => {
        listener.announce = undefined
        open.delete(listener)
      }
    },
  }
}

/** The text of raw SQL, written as a template or as text. */
function rawText(args: unknown): string | undefined {
  if (Array.isArray(args)) return typeof args[0] === 'string' ? args[0] : undefined
  const { strings } = (args ?? {}) as { strings?: readonly string[] }
  return strings?.map((piece, at) => (at === 0 ? piece : `$${at}${piece}`)).join('')
}
