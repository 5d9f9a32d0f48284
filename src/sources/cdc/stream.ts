import type { InvalidateRequest } from '../../core/change.ts'
import type { CancelTimer, Clock } from '../../core/clock.ts'
import { CacheError } from '../../core/errors.ts'
import { readFrame, statusUpdate } from './frames.ts'
import { readMessage } from './pgoutput.ts'
import { connectionOf, type ReplicationClient, type ReplicationConnection } from './replication-client.ts'
import { type Reading, TransactionChanges } from './transaction-changes.ts'

/** A transaction that has committed, as far as it concerns the cache. */
export interface Committed {
  readonly changes: readonly InvalidateRequest[]
  /** Where the log goes on behind it. */
  readonly end: bigint
  /** When it was received, on the clock that never goes back. */
  readonly receivedAt: number
}

/** Applies what transactions have changed; resolves only once the store has carried it out. */
export type Apply = (committed: readonly Committed[]) => Promise<void>

const STATUS_MS = 10_000
/** A server that has not answered for so long is not there any more. */
const SILENCE_MS = 30_000
const MOST_PENDING = 1_000
const AT_ONCE = 200

/**
 * One connection's stream. What was received is applied in order; only then is the server told that it may forget it, so
 * that whatever happens to this process it is sent again.
 */
export class Stream {
  readonly #client: ReplicationClient
  readonly #connection: ReplicationConnection
  readonly #clock: Clock
  readonly #apply: Apply
  readonly #changes: TransactionChanges
  readonly #pending: Committed[] = []
  #open = true
  /** Whether a transaction has begun whose end has not come. */
  #inside = false
  #applying = false
  #paused = false
  #heardAt: number
  #cancel: CancelTimer = () => {}
  /** How far the log has been applied, and received. */
  applied: bigint
  received: bigint

  constructor(
    client: ReplicationClient,
    room: { readonly clock: Clock; readonly apply: Apply; readonly reading: Reading },
    applied: bigint,
  ) {
    const connection = connectionOf(client)
    if (connection === undefined) {
      throw new CacheError(
        'INVALID_OPTION',
        "createCdcSource: connect: this is no client of pg in JavaScript. Return new Client({ …, replication: 'database' }).",
      )
    }
    this.#client = client
    this.#connection = connection
    this.#clock = room.clock
    this.#apply = room.apply
    this.#changes = new TransactionChanges(room.reading)
    this.applied = applied
    this.received = applied
    this.#heardAt = room.clock.monotonic()
  }

  /** For how long the oldest transaction has been waiting to be applied, in milliseconds. */
  get lagMs(): number {
    const [oldest] = this.#pending
    return oldest === undefined ? 0 : this.#clock.monotonic() - oldest.receivedAt
  }

  /** Streams until the connection ends, one way or another. Always rejects. */
  async run(command: string, started: () => void): Promise<never> {
    try {
      return await new Promise<never>((_, reject) => {
        this.#client.on('error', reject)
        this.#client.on('end', () => reject(new Error('The replication connection has ended.')))
        this.#connection.on('copyData', ({ chunk }) => {
          try {
            this.#receive(chunk, reject)
          } catch (error) {
            reject(error)
          }
        })
        this.#client.query(command).then(() => reject(new Error('The server has ended the stream.')), reject)
        this.#connection.on('replicationStart', started)
        this.#beat(reject)
      })
    } finally {
      this.close()
    }
  }

  close(): void {
    this.#open = false
    this.#cancel()
  }

  #receive(chunk: Uint8Array, fail: (error: unknown) => void): void {
    const frame = readFrame(chunk)
    this.#heardAt = this.#clock.monotonic()
    if (frame.end > this.received) this.received = frame.end
    if (frame.kind === 'alive') {
      this.#caughtUp(frame.end)
      if (frame.answer) this.#tell()
      return
    }
    const message = readMessage(frame.data)
    if (message.kind === 'begin') {
      this.#inside = true
      return
    }
    this.#changes.add(message)
    if (message.kind !== 'commit') return
    this.#inside = false
    const changes = this.#changes.take()
    this.#pending.push({ changes, end: message.end, receivedAt: this.#heardAt })
    if (this.#pending.length > MOST_PENDING && !this.#paused) {
      this.#paused = true
      this.#connection.stream.pause()
    }
    void this.#applyPending().catch(fail)
  }

  /** What comes before this in the log, and was not for us, needs not be kept for us. */
  #caughtUp(end: bigint): void {
    if (this.#inside || this.#pending.length > 0 || end <= this.applied) return
    this.applied = end
  }

  async #applyPending(): Promise<void> {
    if (this.#applying) return
    this.#applying = true
    try {
      while (this.#pending.length > 0 && this.#open) {
        const some = this.#pending.slice(0, AT_ONCE)
        await this.#apply(some)
        this.#pending.splice(0, some.length)
        this.applied = (some.at(-1) as Committed).end
        this.#tell()
        if (this.#paused && this.#pending.length < MOST_PENDING / 2) {
          this.#paused = false
          this.#connection.stream.resume()
        }
      }
    } finally {
      this.#applying = false
    }
  }

  #beat(fail: (error: unknown) => void): void {
    this.#cancel = this.#clock.after(STATUS_MS, () => {
      if (!this.#open) return
      if (!this.#paused && this.#clock.monotonic() - this.#heardAt > SILENCE_MS) {
        fail(new Error(`The server has not been heard of for ${SILENCE_MS / 1_000} s.`))
        return
      }
      this.#tell(true)
      this.#beat(fail)
    })
  }

  #tell(ask = false): void {
    if (this.#open) this.#connection.sendCopyFromChunk(statusUpdate(this.applied, this.#clock.now(), ask))
  }
}
