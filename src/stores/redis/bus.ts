import type { StoreSession } from '../../core/store.ts'
import type { Hearing } from './hearing.ts'
import type { Layout } from './layout.ts'
import { decodeMessage } from './message.ts'
import type { Servers } from './servers.ts'
import type { Subscriber } from './subscriber.ts'

/** What the bus works with. */
export interface BusRoom {
  readonly layouts: readonly Layout[]
  readonly session: StoreSession
  readonly hearing: Hearing
}

/** What others did: one ordered channel per partition, and one for acknowledgements. */
export class RedisBus {
  readonly #subscriber: Subscriber
  #whenSubscribed: (() => void)[] = []
  #subscribed = false
  #closed = false
  #trouble: string | undefined

  constructor(servers: Servers, { layouts, session, hearing }: BusRoom) {
    const { listener, name } = session
    const partitions = new Map(layouts.map(({ channel }, partition) => [channel, partition]))
    const acknowledgements = hearing.channel === undefined ? [] : [hearing.channel]
    this.#subscriber = servers.hear([...partitions.keys(), ...acknowledgements], {
      subscribed: () => {
        this.#subscribed = true
        this.#trouble = undefined
        listener.subscribed()
        for (const resolve of this.#whenSubscribed.splice(0)) resolve()
      },
      refused: (reason) => {
        this.#trouble = reason
      },
      lost: (reason) => {
        this.#subscribed = false
        listener.unsubscribed(reason)
      },
      message: (channel, text) => {
        const partition = partitions.get(channel)
        if (partition === undefined) {
          hearing.note(text)
          return
        }
        const read = decodeMessage(text, partition, name)
        if (read === undefined) this.reconnect()
        else
          listener.invalidated(read.heard ? { ...read, acknowledge: () => hearing.acknowledge(read) } : read)
      },
    })
  }

  /** What the server last said against subscribing. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Resolves once every channel is subscribed. */
  open(): Promise<void> {
    this.#subscriber.open()
    if (this.#subscribed) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenSubscribed.push(resolve)
    })
  }

  reconnect(): void {
    if (!this.#closed) this.#subscriber.reconnect()
  }

  close(): void {
    this.#closed = true
    this.#subscriber.close()
    for (const resolve of this.#whenSubscribed.splice(0)) resolve()
  }
}
