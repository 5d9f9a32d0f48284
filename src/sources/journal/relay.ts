import type { Cache } from '../../core/cache.ts'
import type { InvalidateRequest } from '../../core/change.ts'
import { type Clock, sleep } from '../../core/clock.ts'
import { CacheError, isCacheError } from '../../core/errors.ts'
import type { JournalHealth, JournalSend } from '../../core/journal.ts'
import type { Randomness } from '../../core/random.ts'
import type { JournalInside } from './define-journal.ts'
import type { Reached } from './reached.ts'
import type { Void } from './record.ts'

/** A record that could not be applied, kept until it is replayed or dropped. */
export interface ParkedRecord {
  readonly id: string
  /** What it says, as JSON. */
  readonly change: string
  readonly attempts: number
  readonly error: string
  /** When it was parked, by the database's clock, in milliseconds since 1970. */
  readonly at: number
}

/** How a journal is doing as a whole, whoever its relays are. */
export interface JournalStatus {
  /** Records that a relay should take now. */
  readonly due: number
  /** Records of transactions that are left to their own processes for now, and those that are tried again later. */
  readonly waiting: number
  readonly parked: number
  /** Records that have been applied and are kept for `retention`. */
  readonly kept: number
  /** For how many milliseconds the oldest has been due; 0 where none is. */
  readonly lagMs: number
}

/** What a relay works with. */
export interface RelayRoom {
  readonly journal: JournalInside
  readonly cache: Pick<Cache, 'invalidate' | 'clear'>
  readonly client: Reached
  readonly clock: Clock
  readonly randomness: Randomness
  /** Undefined where it runs only when it is told to. */
  readonly intervalMs: number | undefined
  readonly listen: boolean
  readonly batch: number
  readonly attempts: number
  readonly backoffMs: number
  readonly batchTimeoutMs: number
  readonly onParked: (parked: Pick<ParkedRecord, 'id' | 'change'> & { readonly error: unknown }) => void
  readonly onError: (error: unknown) => void
}

interface Claimed {
  readonly id: string
  readonly change: string
  readonly attempts: number
}

const LONGEST_PAUSE_MS = 5_000
const HOUSEKEEPING_MS = 10_000
const PURGED_AT_ONCE = 5_000
const BEHIND_MS = 1_000

/**
 * Applies what a journal's records make void. A batch is claimed, applied and settled in one transaction: where any of it
 * fails, or this process dies, the records are there again, for this relay or another one.
 */
export class JournalRelay {
  readonly #room: RelayRoom
  #closed = false
  #applied = 0
  #parked = 0
  #error: unknown
  /** Since when the oldest record has been due, on the clock that never goes back. */
  #oldest: number | undefined
  #failures = 0
  #housekept = Number.NEGATIVE_INFINITY
  #wake: (() => void) | undefined
  #woken = false
  #listening: (() => Promise<void>) | undefined
  #running: Promise<unknown> = Promise.resolve()
  readonly #loop: Promise<void>

  constructor(room: RelayRoom) {
    this.#room = room
    this.#loop = room.intervalMs === undefined ? Promise.resolve() : this.#poll(room.intervalMs)
  }

  get health(): JournalHealth {
    const lagMs = this.#oldest === undefined ? 0 : this.#room.clock.monotonic() - this.#oldest
    const reason = this.#closed
      ? 'The relay is closed.'
      : this.#error !== undefined
        ? 'The last attempt failed, and it is tried again.'
        : lagMs > BEHIND_MS
          ? 'What is due is not applied in time.'
          : undefined
    return {
      status: this.#closed ? 'stopped' : reason === undefined ? 'ok' : 'degraded',
      reason,
      lagMs,
      applied: this.#applied,
      parked: this.#parked,
      error: this.#error,
    }
  }

  /** Applies all that is due. Resolves with how many records that were; rejects where the journal or the store is away. */
  async run(): Promise<number> {
    let applied = 0
    for (;;) {
      if (this.#closed) throw closed()
      const { taken, done } = await this.#inTurn()
      applied += done
      if (taken < this.#room.batch) return applied
    }
  }

  async status(): Promise<JournalStatus> {
    const { client, journal } = this.#room
    const [row] = await client.send(journal.statements.status, [])
    const { due = 0, waiting = 0, parked = 0, kept = 0, lag_ms = 0 } = row ?? {}
    this.#parked = Number(parked)
    return {
      due: Number(due),
      waiting: Number(waiting),
      parked: Number(parked),
      kept: Number(kept),
      lagMs: Number(lag_ms ?? 0),
    }
  }

  async parked(limit: number): Promise<readonly ParkedRecord[]> {
    const { client, journal } = this.#room
    const rows = await client.send(journal.statements.parked, [String(limit)])
    return rows.map(({ id, change, attempts, error, at }) => ({
      id: String(id),
      change: String(change),
      attempts: Number(attempts),
      error: String(error),
      at: Number(at),
    }))
  }

  async replay(ids: readonly string[]): Promise<number> {
    const { client, journal } = this.#room
    const { length } = await client.send(journal.statements.replay, [ids.join(',')])
    this.#parked = Math.max(0, this.#parked - length)
    this.wake()
    return length
  }

  async drop(ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0
    const { client, journal } = this.#room
    const { length } = await client.send(journal.statements.drop, [ids.join(',')])
    this.#parked = Math.max(0, this.#parked - length)
    return length
  }

  /** Has it look at once. */
  wake(): void {
    this.#woken = true
    this.#wake?.()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.wake()
    await this.#loop
    await this.#running.catch(() => undefined)
    await this.#listening?.().catch(() => undefined)
  }

  /** One batch at a time in a process: what several of them would do at once, another process's relay does. */
  #inTurn(): Promise<{ readonly taken: number; readonly done: number }> {
    const turn = this.#running.catch(() => undefined).then(() => this.#batch())
    this.#running = turn
    return turn
  }

  async #poll(intervalMs: number): Promise<void> {
    while (!this.#closed) {
      this.#woken = false
      try {
        if (this.#room.listen) await this.#listen()
        const { taken } = await this.#inTurn()
        this.#failures = 0
        if (taken >= this.#room.batch) continue
        await this.#housekeep()
        await this.#pause(intervalMs)
      } catch (error) {
        this.#failures++
        this.#fail(error)
        await this.#pause(this.#backoff(this.#failures, this.#room.backoffMs), true)
      }
    }
  }

  async #batch(): Promise<{ readonly taken: number; readonly done: number }> {
    const { client, journal, batch, clock } = this.#room
    try {
      const outcome = await client.transaction(async (send) => {
        const rows = await send(journal.statements.claim, [String(batch)])
        this.#oldest =
          rows.length === 0
            ? undefined
            : clock.monotonic() - Math.max(...rows.map(({ waited }) => Number(waited)))
        const claimed = rows.map(({ id, change, attempts }): Claimed => {
          return { id: String(id), change: String(change), attempts: Number(attempts) }
        })
        const failed = await this.#apply(claimed)
        const done = claimed.filter(({ id }) => !failed.has(id))
        await this.#settle(send, done)
        const parked: { readonly record: Claimed; readonly error: unknown }[] = []
        for (const record of claimed) {
          const error = failed.get(record.id)
          if (error !== undefined && (await this.#putOff(send, record, error))) parked.push({ record, error })
        }
        return { taken: claimed.length, done: done.length, parked }
      }, this.#room.batchTimeoutMs)
      this.#applied += outcome.done
      this.#parked += outcome.parked.length
      this.#error = undefined
      if (outcome.taken < batch) this.#oldest = undefined
      for (const { record, error } of outcome.parked)
        this.#room.onParked({ id: record.id, change: record.change, error })
      return outcome
    } catch (error) {
      this.#error = error ?? new Error('The relay failed.')
      throw error
    }
  }

  /** @returns what could not be applied, by id. Rejects where the store is away: nothing is settled then. */
  async #apply(claimed: readonly Claimed[]): Promise<ReadonlyMap<string, unknown>> {
    const failed = new Map<string, unknown>()
    const voids = new Map<string, Void>()
    for (const { id, change } of claimed) {
      try {
        voids.set(id, this.#room.journal.read(change))
      } catch (error) {
        failed.set(id, error)
      }
    }
    try {
      await this.#invalidate([...voids.values()])
    } catch (error) {
      if (isAway(error)) throw error
      // One of them is refused: each by itself, to find which.
      for (const [id, one] of voids) {
        try {
          await this.#invalidate([one])
        } catch (error) {
          if (isAway(error)) throw error
          failed.set(id, error)
        }
      }
    }
    return failed
  }

  async #invalidate(voids: readonly Void[]): Promise<void> {
    const { cache } = this.#room
    // Of many writes to one table most say the same.
    const requests = new Map<string, InvalidateRequest>()
    for (const one of voids) {
      if (one !== 'everything') for (const request of one) requests.set(JSON.stringify(request), request)
    }
    const receipts: { readonly status: string }[] = []
    if (voids.includes('everything')) receipts.push(await cache.clear())
    if (requests.size > 0) receipts.push(await cache.invalidate([...requests.values()]))
    // It is in this process's queue, which does not outlive it.
    if (receipts.some(({ status }) => status !== 'applied')) {
      throw new CacheError(
        'STORE_UNAVAILABLE',
        "journal: the store could not be told of the journal's records. They are kept, and tried again.",
      )
    }
  }

  async #settle(send: JournalSend, done: readonly Claimed[]): Promise<void> {
    if (done.length === 0) return
    const { statements, retentionMs } = this.#room.journal
    const ids = done.map(({ id }) => id).join(',')
    await send(retentionMs > 0 ? statements.keep : statements.settle, [ids])
  }

  /** @returns whether it is parked */
  async #putOff(send: JournalSend, { id, attempts }: Claimed, error: unknown): Promise<boolean> {
    const { journal, attempts: most, backoffMs } = this.#room
    const park = attempts + 1 >= most
    const pause = this.#backoff(attempts + 1, backoffMs)
    const why = error instanceof Error ? error.message : String(error)
    await send(journal.statements.fail, [id, why.replaceAll('\0', ''), String(pause), String(park)])
    return park
  }

  async #housekeep(): Promise<void> {
    const { clock, client, journal } = this.#room
    const now = clock.monotonic()
    if (now - this.#housekept < HOUSEKEEPING_MS) return
    this.#housekept = now
    await this.status()
    if (journal.retentionMs === 0) return
    const older = [String(journal.retentionMs), String(PURGED_AT_ONCE)]
    const gone = await client.send(journal.statements.purge, older)
    // There is more: at the next look.
    if (gone.length >= PURGED_AT_ONCE) this.#housekept = Number.NEGATIVE_INFINITY
  }

  async #listen(): Promise<void> {
    const { client, journal } = this.#room
    if (this.#listening !== undefined || client.listen === undefined) return
    this.#listening = await client.listen(
      journal.name,
      () => this.wake(),
      (error) => {
        this.#listening = undefined
        this.#fail(error)
        this.wake()
      },
    )
  }

  #fail(error: unknown): void {
    if (this.#closed) return
    try {
      this.#room.onError(error)
    } catch {
      // A listener of errors that throws has nobody to be told to.
    }
  }

  #backoff(failures: number, firstMs: number): number {
    const longest = Math.min(firstMs * 2 ** Math.min(failures - 1, 20), LONGEST_PAUSE_MS)
    return longest * (1 - this.#room.randomness.fraction() / 2)
  }

  /** Waits, unless it has been woken; after a failure only its own end wakes it. */
  async #pause(milliseconds: number, deep = false): Promise<void> {
    if (this.#closed || (this.#woken && !deep)) return
    await Promise.race([
      sleep(this.#room.clock, milliseconds),
      new Promise<void>((resolve) => {
        this.#wake = () => {
          if (!deep || this.#closed) resolve()
        }
      }),
    ])
    this.#wake = undefined
  }
}

function isAway(error: unknown): boolean {
  return isCacheError(error, 'STORE_UNAVAILABLE') || isCacheError(error, 'CACHE_CLOSED')
}

function closed(): CacheError {
  return new CacheError('CACHE_CLOSED', 'journal: the relay is closed.')
}
