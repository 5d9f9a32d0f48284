import type { Cause } from '../../core/events.ts'
import type { InvalidationMessage, StoreSession } from '../../core/store.ts'
import { Acknowledgements } from '../acknowledgements.ts'
import type { Layout } from './layout.ts'
import { decodeAcknowledgement, encodeAcknowledgement } from './message.ts'
import type { Servers } from './servers.ts'

/** Who has heard of which invalidation: asks for acknowledgements, gives them, and gathers them per partition. */
export class Hearing {
  readonly #servers: Servers
  readonly #channelTo: (process: string) => string | undefined
  readonly #process: string
  readonly #gathered: Acknowledgements

  constructor(servers: Servers, layouts: readonly Layout[], session: StoreSession) {
    this.#servers = servers
    this.#process = session.process
    this.#channelTo = (process) => layouts[0]?.acknowledgements(process)
    this.#gathered = new Acknowledgements(session.clock, session.maxStalenessMs)
  }

  /** The channel on which others acknowledge to this process. */
  get channel(): string | undefined {
    return this.#channelTo(this.#process)
  }

  /** Runs a step whose acknowledgements may be faster than its reply. */
  expecting<T>(
    cause: Cause,
    partitions: readonly number[],
    heard: boolean,
    step: () => Promise<T>,
  ): Promise<T> {
    return heard ? this.#expecting(cause, partitions, step) : step()
  }

  async #expecting<T>(cause: Cause, partitions: readonly number[], step: () => Promise<T>): Promise<T> {
    for (const partition of partitions) this.#gathered.expect(`${cause.id}:${partition}`)
    try {
      return await step()
    } catch (error) {
      for (const partition of partitions) this.#gathered.forget(`${cause.id}:${partition}`)
      throw error
    }
  }

  /** Resolves when all these lease holders have acknowledged, or their leases have run out; undefined if unasked. */
  heard(
    cause: Cause,
    holders: readonly (readonly [partition: number, processes: readonly string[]])[],
    heard: boolean,
  ): Promise<void> | undefined {
    if (!heard) return undefined
    const waits = holders.map(([partition, processes]) => {
      const others = processes.filter((process) => process !== this.#process)
      return this.#gathered.wait(`${cause.id}:${partition}`, others)
    })
    return Promise.all(waits).then(() => {})
  }

  /** Tells the maker of an invalidation that it has been applied here. */
  acknowledge({ cause, partition }: InvalidationMessage): void {
    if (cause === undefined || cause.process === this.#process) return
    const channel = this.#channelTo(cause.process)
    if (channel === undefined) return
    const text = encodeAcknowledgement(cause.id, partition, this.#process)
    // Unsent, it costs its maker a wait until this process's lease has run out.
    this.#servers.publish(channel, text).catch(() => {})
  }

  /** Takes note of an acknowledgement; of any other text, none. */
  note(text: string): void {
    const heard = decodeAcknowledgement(text)
    if (heard !== undefined) this.#gathered.note(heard.id, heard.process)
  }
}
