import type { LogPosition } from '../../core/load-source.ts'
import { positionOf, REPLAYED } from './log-position.ts'

/** What is used of a pool of connections to a replica. */
export interface ReplicaPool<Client extends ReplicaClient> {
  connect(): Promise<Client>
}

/** What is used of a connection to a replica. */
export interface ReplicaClient {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the client's own overloads take
  query(text: any, ...values: any[]): any
  release(destroy?: boolean | Error): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** After it could not be reached, a replica is left alone for so long. */
const LEFT_ALONE_MS = 1_000
/** A replica that was behind is not asked again for so long. */
const ASKED_AGAIN_MS = 10
/** A snapshot that recovery took away, a server that shuts down or starts, a connection that broke. */
const TROUBLE = /^(?:40001|40P01|57P0[1-5]|08...|53300)$/
const SQLSTATE = /^[0-9A-Z]{5}$/

/**
 * A replica. How far it has come is asked on the very connection that is read next, and remembered for that connection
 * alone: another one may lead to a server that was restarted and is replaying anew.
 */
export class Replica<Client extends ReplicaClient> {
  readonly #pool: ReplicaPool<Client>
  readonly #reached = new WeakMap<Client, LogPosition>()
  #awayUntil = Number.NEGATIVE_INFINITY
  #behind: { readonly position: LogPosition; readonly until: number } | undefined

  constructor(pool: ReplicaPool<Client>) {
    this.#pool = pool
  }

  /**
   * Reads from it if it can be reached and has reached `position`. Undefined where it cannot serve, which the primary then
   * can: a replica writes nothing, so that a read may be sent again. Rejects with what is wrong with the statement.
   */
  async read<R>(
    position: LogPosition | undefined,
    send: (client: Client) => Promise<R>,
  ): Promise<{ readonly result: R } | undefined> {
    const now = performance.now()
    if (now < this.#awayUntil) return undefined
    const behind = this.#behind
    if (position !== undefined && behind !== undefined && now < behind.until && behind.position < position)
      return undefined
    let client: Client
    try {
      client = await this.#pool.connect()
    } catch {
      this.#awayUntil = performance.now() + LEFT_ALONE_MS
      return undefined
    }
    let lost: Error | undefined
    const onError = (error: Error) => {
      lost = error
    }
    client.on('error', onError)
    try {
      if (position !== undefined && !(await this.#hasReached(client, position))) return undefined
      return { result: await send(client) }
    } catch (error) {
      const { code } = (error ?? {}) as { readonly code?: unknown }
      const told = typeof code === 'string' && SQLSTATE.test(code)
      if (!told) lost ??= error instanceof Error ? error : new Error(String(error))
      if (told && !TROUBLE.test(code)) throw error
      return undefined
    } finally {
      client.removeListener('error', onError)
      client.release(lost)
    }
  }

  async #hasReached(client: Client, position: LogPosition): Promise<boolean> {
    if ((this.#reached.get(client) ?? '') >= position) return true
    const { rows } = (await client.query(REPLAYED)) as { readonly rows: readonly { readonly lsn: unknown }[] }
    const reached = positionOf(rows[0]?.lsn) ?? ''
    this.#reached.set(client, reached)
    if (reached.length === position.length && reached >= position) return true
    this.#behind = { position: reached, until: performance.now() + ASKED_AGAIN_MS }
    return false
  }
}
