import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Receipt } from 'coherent-cache'
import type { Pool, PoolClient, QueryResult } from 'pg'
import { sharedNow } from '../support/version-judge.ts'
import type { Report, Step, WrittenRow } from './messages.ts'

/** One transaction of a writer, as it is told to the conductor. */
export class Deed {
  readonly id: number
  readonly how: string
  /** Whether its cache takes soft locks for it, where the mode has any. */
  readonly guarded: boolean
  rows: WrittenRow[] = []
  /** How long its process hears nothing of the answer to COMMIT. */
  deafMs = 0
  sent: number | undefined
  committed: number | undefined
  status: Receipt['status'] | undefined
  token: string | undefined

  constructor(id: number, how: string, guarded: boolean) {
    this.id = id
    this.how = how
    this.guarded = guarded
  }
}

type Send = (text: unknown, ...rest: unknown[]) => unknown

/**
 * Watches the transactions of a pool from outside: which rows they return, when COMMIT is sent and answered. Tells of a
 * COMMIT before it is sent, and ends the process at the step it is told to.
 */
export class Deeds {
  readonly #tell: (report: Report) => void
  readonly #current = new AsyncLocalStorage<Deed>()
  #doom: Step | undefined

  constructor(pool: Pool, tell: (report: Report) => void) {
    this.#tell = tell
    pool.on('connect', (client) => this.#watch(client))
    pool.on('error', () => {})
  }

  run<T>(deed: Deed, body: () => Promise<T>): Promise<T> {
    return this.#current.run(deed, body)
  }

  get current(): Deed | undefined {
    return this.#current.getStore()
  }

  /** The next transaction that comes to this step ends the process. */
  dieAt(step: Step): void {
    this.#doom = step
  }

  #reached(step: Step): void {
    if (this.#doom === step) process.kill(process.pid, 'SIGKILL')
  }

  #watch(client: PoolClient): void {
    const query = client.query.bind(client) as unknown as Send
    const watched: Send = (text, ...rest) => {
      const deed = this.current
      const result = () => query(text, ...rest) as Promise<QueryResult>
      if (deed === undefined || typeof text !== 'string') return result()
      if (text === 'COMMIT') return this.#commit(deed, result)
      return result().then((value) => {
        if (text.startsWith('BEGIN')) this.#reached('begun')
        if (text.startsWith('UPDATE')) {
          deed.rows.push(
            ...value.rows.map(({ row, version, nonce, prev }) => ({ row, version, nonce, prev })),
          )
          this.#reached('written')
        }
        return value
      })
    }
    client.query = watched as typeof client.query
  }

  async #commit(deed: Deed, send: () => Promise<QueryResult>): Promise<QueryResult> {
    this.#reached('prepared')
    const { id, how, guarded, rows } = deed
    deed.sent = sharedNow()
    if (rows.length > 0) this.#tell({ t: 'commit', deed: id, how, guarded, rows, sent: deed.sent })
    const answer = send()
    if (this.#doom === 'commit sent') setImmediate(() => this.#reached('commit sent'))
    const value = await answer
    if (value.command === 'COMMIT') deed.committed = sharedNow()
    this.#reached('committed')
    if (deed.deafMs > 0) await sleep(deed.deafMs)
    if (this.#doom === 'rotating') setImmediate(() => this.#reached('rotating'))
    return value
  }
}
