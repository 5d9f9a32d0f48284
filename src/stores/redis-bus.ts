import type { InvalidationMessage, StoreListener } from '../core/store.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import { connectionOptions, type RedisClient, type RedisConnection } from './redis-client.ts'
import type { Layout } from './redis-layout.ts'
import { decodeAcknowledgement, decodeMessage } from './redis-message.ts'

/** What the bus works with. */
export interface BusRoom {
  readonly layouts: readonly Layout[]
  readonly name: string
  readonly process: string
  readonly listener: StoreListener
  readonly acknowledgements: Acknowledgements
  /** Tells the maker of an invalidation that it has been applied here. */
  readonly acknowledge: (message: InvalidationMessage) => void
}

/** The subscriber connection: one ordered channel per partition, and one for acknowledgements. */
export class RedisBus {
  readonly #connection: RedisConnection
  readonly #channels: readonly string[]
  readonly #listener: StoreListener
  #whenSubscribed: { resolve: () => void; reject: (error: unknown) => void }[] = []
  #subscribed = false
  #closed = false

  constructor(
    client: RedisClient,
    { layouts, name, process, listener, acknowledgements, acknowledge }: BusRoom,
  ) {
    this.#channels = [
      ...layouts.map(({ channel }) => channel),
      ...(layouts[0] ? [layouts[0].acknowledgements(process)] : []),
    ]
    this.#listener = listener
    this.#connection = client.duplicate(connectionOptions())
    const partitions = new Map(layouts.map(({ channel }, partition) => [channel, partition]))
    this.#connection.on('ready', () => void this.#subscribe())
    this.#connection.on('close', () => this.#lost('the subscriber connection was closed'))
    // Every error is followed by 'close', which is what matters; without a listener it would end the process.
    this.#connection.on('error', () => {})
    this.#connection.on('message', (channel: string, message: string) => {
      if (this.#closed) return
      const partition = partitions.get(channel)
      if (partition === undefined) {
        const heard = decodeAcknowledgement(message)
        if (heard !== undefined) acknowledgements.note(heard.id, heard.process)
        return
      }
      const read = decodeMessage(message, partition, name)
      if (read === undefined) this.reconnect()
      else listener.invalidated(read.heard ? { ...read, acknowledge: () => acknowledge(read) } : read)
    })
  }

  /** Resolves once every channel is subscribed. */
  open(): Promise<void> {
    if (this.#connection.status === 'wait') this.#connection.connect().catch(() => {})
    return this.subscribed()
  }

  /** Resolves when subscribed; at once if it is. */
  subscribed(): Promise<void> {
    if (this.#subscribed) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#whenSubscribed.push({ resolve, reject })
    })
  }

  get isSubscribed(): boolean {
    return this.#subscribed
  }

  reconnect(): void {
    if (!this.#closed) this.#connection.disconnect(true)
  }

  close(): void {
    this.#closed = true
    this.#connection.disconnect()
    for (const { resolve } of this.#whenSubscribed.splice(0)) resolve()
  }

  async #subscribe(): Promise<void> {
    try {
      await this.#connection.subscribe(...this.#channels)
      if (this.#closed) return
      this.#subscribed = true
      this.#listener.subscribed()
      for (const { resolve } of this.#whenSubscribed.splice(0)) resolve()
    } catch {
      this.reconnect()
    }
  }

  #lost(reason: string): void {
    if (!this.#subscribed) return
    this.#subscribed = false
    this.#listener.unsubscribed(reason)
  }
}
