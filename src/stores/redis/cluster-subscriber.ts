import type { Clock } from '../../core/clock.ts'
import { within } from '../../core/within.ts'
import { type RedisConnection, retryLater } from './client.ts'
import { type ClusterMap, pause } from './cluster-map.ts'
import { slotOf } from './slot.ts'
import { SUBSCRIBING_MS } from './standalone-subscriber.ts'
import type { Ears, Subscriber } from './subscriber.ts'

/** A connection that hears the channels of one node. */
interface Ear {
  readonly connection: RedisConnection
  readonly channels: ReadonlySet<string>
}

/**
 * Hears sharded channels, each at the node that serves its slot: one connection per primary, made anew where a node goes
 * away or a slot moves. Channels of other nodes stay subscribed meanwhile; yet until all are again, none counts.
 */
export class ClusterSubscriber implements Subscriber {
  readonly #map: ClusterMap
  readonly #channels: readonly string[]
  readonly #tell: Ears
  readonly #clock: Clock
  readonly #ears = new Map<string, Ear>()
  #subscribed = false
  #closed = false
  #aligning = false
  #again = false
  #cancelPause = () => {}

  constructor(map: ClusterMap, channels: readonly string[], tell: Ears, clock: Clock) {
    this.#map = map
    this.#channels = channels
    this.#tell = tell
    this.#clock = clock
    map.onChange(() => {
      if (this.#isWhole()) return
      this.#lost('a partition has moved to another server')
      void this.#align()
    })
  }

  open(): void {
    void this.#align()
  }

  reconnect(): void {
    if (this.#closed) return
    for (const address of [...this.#ears.keys()]) this.#drop(address)
    this.#map.doubt()
    this.#lost('the subscriber connections are made anew')
    void this.#align()
  }

  close(): void {
    this.#closed = true
    this.#cancelPause()
    for (const address of [...this.#ears.keys()]) this.#drop(address)
  }

  /** Tries until every channel is heard where it is served; once at a time. */
  async #align(): Promise<void> {
    this.#again = true
    if (this.#aligning) return
    this.#aligning = true
    for (let attempt = 0; this.#again && !this.#closed; attempt++) {
      this.#again = false
      const aligned = await this.#attempt().catch(() => false)
      if (this.#closed) break
      if (aligned) {
        attempt = 0
        continue
      }
      this.#again = true
      this.#map.doubt()
      const waiting = pause(this.#clock, retryLater(attempt))
      this.#cancelPause = waiting.cancel
      await waiting.over
    }
    this.#aligning = false
  }

  async #attempt(): Promise<boolean> {
    await this.#map.settle()
    const wanted = this.#wanted()
    if (wanted === undefined) return false
    for (const [address, { channels }] of [...this.#ears]) {
      const here = wanted.get(address)
      if (here?.length !== channels.size || !here.every((channel) => channels.has(channel)))
        this.#drop(address)
    }
    const missing = [...wanted].filter(([address]) => !this.#ears.has(address))
    const made = await Promise.allSettled(missing.map(([address, here]) => this.#listen(address, here)))
    if (made.some(({ status }) => status === 'rejected') || !this.#isWhole()) return false
    if (!this.#subscribed && !this.#closed) {
      this.#subscribed = true
      this.#tell.subscribed()
    }
    return true
  }

  /** The channels of each address; undefined where one is served nowhere. */
  #wanted(): Map<string, string[]> | undefined {
    const wanted = new Map<string, string[]>()
    for (const channel of this.#channels) {
      const address = this.#map.owner(slotOf(channel))
      if (address === undefined) return undefined
      wanted.set(address, [...(wanted.get(address) ?? []), channel])
    }
    return wanted
  }

  #isWhole(): boolean {
    return this.#channels.every((channel) => {
      const address = this.#map.owner(slotOf(channel))
      return address !== undefined && this.#ears.get(address)?.channels.has(channel) === true
    })
  }

  async #listen(address: string, here: readonly string[]): Promise<void> {
    const connection = this.#map.dial(address, { retryStrategy: null })
    const ear: Ear = { connection, channels: new Set(here) }
    let fail: (reason: Error) => void = () => {}
    const failed = new Promise<never>((_, reject) => {
      fail = reject
    })
    failed.catch(() => {})
    const gone = (reason: string) => {
      fail(new Error(reason))
      if (this.#ears.get(address) !== ear) return
      this.#drop(address)
      this.#map.doubt()
      this.#lost(reason)
      void this.#align()
    }
    connection.on('close', () => gone('a subscriber connection was closed'))
    // Of a client that does not know that a server unsubscribes by itself, this is all that shows.
    connection.on('error', (error: Error) => gone(`a subscriber connection failed: ${error.message}`))
    connection.on('moved', () => gone('a partition has moved to another server'))
    connection.on('smessage', (channel: string, text: string) => {
      if (!this.#closed) this.#tell.message(channel, text)
    })
    try {
      await within(this.#clock, SUBSCRIBING_MS, () =>
        Promise.race([failed, connection.connect().then(() => subscribe(connection, here))]),
      )
    } catch (error) {
      connection.disconnect()
      this.#tell.refused(error instanceof Error ? error.message : String(error))
      throw error
    }
    if (this.#closed) connection.disconnect()
    else this.#ears.set(address, ear)
  }

  #drop(address: string): void {
    const ear = this.#ears.get(address)
    this.#ears.delete(address)
    ear?.connection.disconnect()
  }

  #lost(reason: string): void {
    if (!this.#subscribed) return
    this.#subscribed = false
    this.#tell.lost(reason)
  }
}

/** One command per channel: those of one command must lie in one slot. */
async function subscribe(connection: RedisConnection, channels: readonly string[]): Promise<void> {
  await Promise.all(channels.map((channel) => connection.ssubscribe(channel)))
}
