import type { CancelTimer, Clock } from '../../core/clock.ts'
import { connectionOptions, dropIfDead, type RedisClient, type RedisConnection } from './client.ts'
import type { Ears, Subscriber } from './subscriber.ts'

/** How long a new connection may take until it is subscribed. */
export const SUBSCRIBING_MS = 2_000

/** One connection that subscribes to every channel, and again each time it has been made anew. */
export class StandaloneSubscriber implements Subscriber {
  readonly #connection: RedisConnection
  readonly #channels: readonly string[]
  readonly #ears: Ears
  readonly #clock: Clock
  #cancelWait: CancelTimer = () => {}
  #subscribed = false
  #closed = false

  constructor(client: RedisClient, channels: readonly string[], ears: Ears, clock: Clock) {
    this.#channels = channels
    this.#ears = ears
    this.#clock = clock
    this.#connection = client.duplicate(connectionOptions())
    this.#connection.on('connect', () => this.#waitForSubscription())
    this.#connection.on('ready', () => void this.#subscribe())
    this.#connection.on('close', () => this.#lost('the subscriber connection was closed'))
    // Every error is followed by 'close', which is what matters; without a listener it would end the process.
    this.#connection.on('error', () => {})
    this.#connection.on('message', (channel: string, text: string) => {
      if (!this.#closed) ears.message(channel, text)
    })
  }

  open(): void {
    if (this.#connection.status === 'wait') this.#connection.connect().catch(() => {})
  }

  reconnect(): void {
    if (!this.#closed) dropIfDead(this.#connection)
  }

  close(): void {
    this.#closed = true
    this.#cancelWait()
    this.#connection.disconnect()
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
      this.#cancelWait()
      this.#ears.subscribed()
    } catch (error) {
      this.#ears.refused(error instanceof Error ? error.message : String(error))
      this.reconnect()
    }
  }

  #lost(reason: string): void {
    if (!this.#subscribed) return
    this.#subscribed = false
    this.#ears.lost(reason)
  }
}
