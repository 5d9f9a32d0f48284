import type { Cache } from '../../core/cache.ts'
import type { InvalidateRequest } from '../../core/change.ts'
import { type CancelTimer, type Clock, sleep } from '../../core/clock.ts'
import { CacheError, isCacheError } from '../../core/errors.ts'
import type { HealthPart } from '../../core/health.ts'
import type { Randomness } from '../../core/random.ts'
import type { Receipt } from '../../core/receipt.ts'
import type { UnitOfWork } from '../../core/unit.ts'
import { writeLsn } from './frames.ts'
import { identifier, literal, type ReplicationClient } from './replication-client.ts'
import { checkPublication, ensureSlot } from './slot.ts'
import { type Committed, Stream } from './stream.ts'
import type { Reading } from './transaction-changes.ts'

/** What a source works with. */
export interface CdcRoom {
  readonly cache: Pick<Cache, 'unitOfWork'>
  readonly connect: () => ReplicationClient
  readonly slot: string
  readonly publication: string
  readonly names: Reading['names']
  readonly clock: Clock
  readonly randomness: Randomness
  readonly backoffMs: number
  readonly onError: (error: unknown) => void
}

/** How a source is doing, in this process. */
export interface CdcHealth extends HealthPart {
  /** `'waiting'`: another process has the slot, and this one is ready to take it over. */
  readonly state: 'connecting' | 'streaming' | 'waiting' | 'closed'
  /**
   * For how long the oldest transaction that was received has been waiting to be applied, in milliseconds; while there is
   * no stream, since there was one. 0 while another process has the slot.
   */
  readonly lagMs: number
  /** How many bytes of the log were received and not applied. */
  readonly lagBytes: number
  /** Transactions that this process has applied. */
  readonly applied: number
  /** How often everything was made void, because there was no slot or it had lost its place. */
  readonly cleared: number
  /** What the last attempt failed with, until one succeeds. */
  readonly error: unknown
}

const LONGEST_PAUSE_MS = 5_000
const BEHIND_MS = 1_000
const IN_USE = '55006'

/** Reads the changes of a database from its log, and makes void what hangs on them. */
export class CdcSource {
  readonly #room: CdcRoom
  readonly #loop: Promise<void>
  #state: CdcHealth['state'] = 'connecting'
  #stream: Stream | undefined
  #client: ReplicationClient | undefined
  #applied = 0
  #cleared = 0
  #error: unknown
  #failures = 0
  #streamedAt: number
  #wake: CancelTimer = () => {}
  #ready: { readonly resolve: () => void; readonly reject: (error: CacheError) => void }[] = []

  constructor(room: CdcRoom) {
    this.#room = room
    this.#streamedAt = room.clock.monotonic()
    this.#loop = this.#run()
  }

  get health(): CdcHealth {
    const stream = this.#stream
    const away = this.#room.clock.monotonic() - this.#streamedAt
    const lagMs = stream?.lagMs ?? (this.#state === 'connecting' ? away : 0)
    const reason =
      this.#state === 'closed'
        ? 'The source is closed.'
        : this.#state === 'connecting'
          ? 'There is no replication connection; it is tried again.'
          : lagMs > BEHIND_MS
            ? 'What was received is not applied in time.'
            : undefined
    return {
      status: this.#state === 'closed' ? 'stopped' : reason === undefined ? 'ok' : 'degraded',
      reason,
      state: this.#state,
      lagMs,
      lagBytes: stream === undefined ? 0 : Number(stream.received - stream.applied),
      applied: this.#applied,
      cleared: this.#cleared,
      error: this.#error,
    }
  }

  /** Resolves once changes are heard, here or in the process that has the slot. Rejects once it is closed. */
  ready(): Promise<void> {
    if (this.#state === 'streaming' || this.#state === 'waiting') return Promise.resolve()
    if (this.#closed) return Promise.reject(neverReady())
    return new Promise((resolve, reject) => {
      this.#ready.push({ resolve, reject })
    })
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return this.#loop
    this.#state = 'closed'
    for (const { reject } of this.#ready.splice(0)) reject(neverReady())
    this.#stream?.close()
    this.#wake()
    await this.#client?.end().catch(() => undefined)
    await this.#loop
  }

  get #closed(): boolean {
    return this.#state === 'closed'
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const client = this.#room.connect()
      this.#client = client
      try {
        await this.#session(client)
      } catch (error) {
        if (!this.#closed) this.#failed(error)
      } finally {
        this.#stream = undefined
        this.#client = undefined
        void client.end().catch(() => undefined)
      }
      if (!this.#closed) await this.#pause()
    }
  }

  async #session(client: ReplicationClient): Promise<void> {
    const { slot, publication, clock, names } = this.#room
    // Until it streams, what is lost rejects the query that waits for it.
    client.on('error', () => {})
    await client.connect()
    await checkPublication(client, publication)
    const applied = await ensureSlot(client, slot, () => this.#clear())
    if (this.#closed) return
    const parse = (type: number, text: string) => client.getTypeParser?.(type, 'text')(text) ?? text
    const stream = new Stream(
      client,
      { clock, reading: { parse, names }, apply: (some) => this.#applyAll(some) },
      applied,
    )
    const options = `proto_version '1', publication_names ${literal(identifier(publication))}`
    const command = `START_REPLICATION SLOT ${identifier(slot)} LOGICAL 0/0 (${options})`
    this.#stream = stream
    await stream.run(command, () => this.#streaming())
  }

  #streaming(): void {
    this.#failures = 0
    this.#error = undefined
    this.#enter('streaming')
  }

  #enter(state: 'streaming' | 'waiting'): void {
    if (this.#closed) return
    this.#state = state
    for (const { resolve } of this.#ready.splice(0)) resolve()
  }

  #failed(error: unknown): void {
    if (this.#state === 'streaming') this.#streamedAt = this.#room.clock.monotonic()
    if ((error as { code?: unknown } | undefined)?.code === IN_USE) {
      this.#failures = 0
      this.#error = undefined
      this.#enter('waiting')
      return
    }
    if (this.#state === 'waiting') this.#streamedAt = this.#room.clock.monotonic()
    this.#state = 'connecting'
    this.#failures++
    this.#error = error
    this.#room.onError(error)
  }

  /** Resolves once the store has carried it out. */
  async #applyAll(some: readonly Committed[]): Promise<void> {
    const position = writeLsn((some.at(-1) as Committed).end)
    const requests = some.flatMap(({ changes }) => changes)
    if (requests.length > 0) {
      await this.#untilApplied((unit) => {
        for (const request of requests) declare(unit, request)
        if (unit.wantsPosition) unit.setPosition(position)
      })
    }
    this.#applied += some.length
  }

  async #clear(): Promise<void> {
    await this.#untilApplied((unit) => unit.clear())
    this.#cleared++
  }

  async #untilApplied(fill: (unit: UnitOfWork) => void): Promise<void> {
    for (let failures = 0; ; failures++) {
      const unit = this.#room.cache.unitOfWork({ name: 'cdc' }) as UnitOfWork
      fill(unit)
      const receipt: Receipt = await unit.commit()
      if (receipt.status === 'applied') return
      if (this.#closed)
        throw new CacheError('CACHE_CLOSED', 'The source was closed before the store had been told.')
      await sleep(this.#room.clock, this.#backoff(failures))
    }
  }

  #backoff(failures: number): number {
    const { backoffMs, randomness } = this.#room
    const pause = Math.min(backoffMs * 2 ** Math.min(failures, 16), LONGEST_PAUSE_MS)
    return pause * (1 - randomness.fraction() / 2)
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#room.clock.after(this.#backoff(this.#failures), resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}

/** What the map does not name has nothing hanging on it; what cannot be said in any other way is everything. */
function declare(unit: UnitOfWork, request: InvalidateRequest): void {
  try {
    unit.invalidate(request)
  } catch (error) {
    if (isCacheError(error, 'UNKNOWN_TABLE')) return
    if (!isCacheError(error)) throw error
    unit.clear()
  }
}

function neverReady(): CacheError {
  return new CacheError(
    'CACHE_CLOSED',
    'createCdcSource: ready: the source is closed, and hears nothing any more.',
  )
}
