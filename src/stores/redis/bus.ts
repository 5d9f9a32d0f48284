import type { CancelTimer, Clock } from '../../core/clock.ts'
import type { StoreListener, StoreSession } from '../../core/store.ts'
import { connectionOptions, dropIfDead, type RedisClient, type RedisConnection } from './client.ts'
import type { Hearing } from './hearing.ts'
import type { Layout } from './layout.ts'
import { decodeMessage } from './message.ts'

/** What the bus works with. */
export interface BusRoom {
  readonly layouts: readonly Layout[]
  readonly name: string
  readonly session: StoreSession
  readonly hearing: Hearing
}

/** How long a new connection may take until it is subscribed. */
const SUBSCRIBING_MS = 2_000

/** The subscriber connection: one ordered channel per partition, and one for acknowledgements. */
export class RedisBus {
  readonly #connection: RedisConnection
  readonly #channels: readonly string[]
  readonly #listener: StoreListener
  readonly #clock: Clock
  #whenSubscribed: (() => void)[] = []
  #cancelWait: CancelTimer = () => {}
  #subscribed = false
  #closed = false
  #trouble: string | undefined

  constructor(client: RedisClient, { layouts, name, session, hearing }: BusRoom) {
    this.#channels = [
      ...layouts.map(({ channel }) => channel),
      ...(hearing.channel === undefined ? [] : [hearing.channel]),
    ]
    const { listener, clock } = session
    this.#listener = listener
    this.#clock = clock
    this.#connection = client.duplicate(connectionOptions())
    const partitions = new Map(layouts.map(({ channel }, partition) => [channel, partition]))
    this.#connection.on('connect', () => this.#waitForSubscription())
    this.#connection.on('ready', () => void this.#subscribe())
    this.#connection.on('close', () => this.#lost('the subscriber connection was closed'))
    // Every error is followed by 'close', which is what matters; without a listener it would end the process.
    this.#connection.on('error', () => {})
    this.#connection.on('message', (channel: string, message: string) => {
      if (this.#closed) return
      const partition = partitions.get(channel)
      if (partition === undefined) {
        hearing.note(message)
        return
      }
      const read = decodeMessage(message, partition, name)
      if (read === undefined) this.reconnect()
      else listener.invalidated(read.heard ? { ...read, acknowledge: () => hearing.acknowledge(read) } : read)
    })
  }

  /** What the server last said against subscribing. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Resolves once every channel is subscribed. */
  open(): Promise<void> {
    if (this.#connection.status === 'wait') this.#connection.connect().catch(() => {})
    return this.subscribed()
  }

  /** Resolves when subscribed; at once if it is. */
  subscribed(): Promise<void> {
    if (this.#subscribed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenSubscribed.push(resolve)
    })
  }

  reconnect(): void {
    if (!this.#closed) dropIfDead(this.#connection)
  }

  close(): void {
    this.#closed = true
    this.#cancelWait()
    this.#connection.disconnect()
    for (const resolve of this.#whenSubscribed.splice(0)) resolve()
  }

  /** Connected is not subscribed: a server that is frozen, or cut off right then, would be waited for for ever. */
  #waitForSubscription(): void {
    this.#cancelWait()
    this.#cancelWait = this.#clock.after(SUBSCRIBING_MS, () => {
      if (!this.#subscribed && !this.#closed) this.#connection.disconnect(true)
    })
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#connection.subscribe(...this.#channels)
      if (this.#closed) return
      this.#subscribed = true
      this.#trouble = undefined
      this.#cancelWait()
      this.#listener.subscribed()
      for (const resolve of this.#whenSubscribed.splice(0)) resolve()
    } catch (error) {
      this.#trouble = error instanceof Error ? error.message : String(error)
      this.reconnect()
    }
  }

  #lost(reason: string): void {
    if (!this.#subscribed) return
    this.#subscribed = false
    this.#listener.unsubscribed(reason)
  }
}
