import type { RedisConnection } from './client.ts'
import type { Ears, Subscriber } from './subscriber.ts'

/** An argument of a script. */
export type Argument = string | number | Uint8Array

/**
 * The servers behind a store: which of them serves a name, and how a step gets there. All names of one step lie in one
 * partition. A step that may have been executed is never sent again; what rejects for want of a connection rejects with
 * `STORE_UNAVAILABLE` and says what is wrong.
 */
export interface Servers {
  /** Publishes a message that every process hears, as a script spells it. */
  readonly publishes: 'PUBLISH' | 'SPUBLISH'
  /** Resolves when steps can be sent; goes on trying by itself where the first attempt fails. */
  open(): Promise<void>
  /** @throws CacheError `STORE_UNAVAILABLE` where no step can be sent now */
  check(): void
  /**
   * Runs a script by the name it was defined under. One of a single name follows that name while its slot is moved.
   *
   * @throws SlotMoving where it has more and their slot is being moved: then it was not executed
   */
  run(script: string, names: readonly string[], args: readonly Argument[]): Promise<unknown>
  /** The values of names of one partition. @throws SlotMoving */
  values(names: readonly string[]): Promise<readonly (Buffer | null)[]>
  get(name: string): Promise<string | null>
  /** Unlinks names of one partition, one by one while their slot is moved. */
  unlink(names: readonly string[]): Promise<void>
  publish(channel: string, text: string): Promise<void>
  /** Every primary, whichever partitions it has. */
  primaries(): Promise<readonly RedisConnection[]>
  /** The primaries that have partitions. */
  owners(): Promise<readonly RedisConnection[]>
  /**
   * Which server has which partition, as text; undefined while a partition is being moved. The same before and after
   * something that looked at every server: nothing moved past it.
   */
  arrangement(): Promise<string | undefined>
  /** Something that hears these channels, once it is opened. */
  hear(channels: readonly string[], ears: Ears): Subscriber
  /** Drops connections that may be dead, so that new ones are made. */
  reconnect(): void
  close(): void
}

/** The slot of a step's names is being moved to another server, and they are not all on one side. Nothing was done. */
export class SlotMoving extends Error {
  constructor() {
    super('The slot is being moved to another server.')
    this.name = 'SlotMoving'
  }
}
