import type { StampName } from '../core/stamp.ts'
import { IdleList } from './idle-list.ts'
import { type Reservation, TouchLog } from './reservations.ts'
import { Generation, Vector } from './vector.ts'

const IDLE_KEPT = 20_000

/** The generations of one partition, which share the text of its epoch. */
interface Known {
  readonly epoch: string
  readonly stamps: Map<StampName, Generation>
}

/**
 * The current generations this process knows, the memory of what was touched lately, and the stamps it is rotating
 * at this moment.
 *
 * Whatever is heard (a message, an own rotation, a flush) only *removes* generations. One enters with
 * {@link admit} alone: from a full reply of the store, under a reservation made before the reply was asked for and
 * that nothing has touched since. Beyond the generations that live entries hold it keeps those used last, so that a
 * value in the store can be judged without asking for its stamps.
 */
export class StampTable {
  /** Counts the generations that have ended, and the flushes: as long as it stands, what was live is. */
  version = 0
  /** The version since the last flush: what has not been found live since then is void. */
  #flushedAt = 0
  /** By the epoch of the partition. */
  #current = new Map<string, Known>()
  /** Generations that no entry holds. */
  #idle = new IdleList<Generation>()
  readonly #touched = new TouchLog()
  readonly #blockedStamps = new Map<StampName, number>()
  readonly #blockedKeys = new Map<string, number>()
  #blockedAll = 0

  /** How many generations are known. */
  get size(): number {
    let size = 0
    for (const { stamps } of this.#current.values()) size += stamps.size
    return size
  }

  /** The token this process believes current in the partition of this epoch; undefined where it knows none. */
  token(name: StampName, epoch: string): string | undefined {
    return this.#current.get(epoch)?.stamps.get(name)?.token
  }

  /** The generations it believes current in the partition of this epoch; undefined unless it knows them all. */
  vector(names: readonly StampName[], epoch: string): Vector | undefined {
    const known = this.#current.get(epoch)
    let vector: Vector | undefined
    for (const name of names) {
      const generation = known?.stamps.get(name)
      if (generation === undefined) return undefined
      vector = Vector.of(generation, vector, this.version)
    }
    return vector
  }

  /** Whether every generation of a vector is still live. Looked through only if some generation has ended since it was last. */
  isLive(vector: Vector): boolean {
    const { version } = this
    if (vector.checkedAt === version) return true
    for (let at: Vector | undefined = vector; at !== undefined && at.checkedAt !== version; at = at.before)
      if (at.checkedAt < this.#flushedAt || !at.last.live) return false
    for (let at: Vector | undefined = vector; at !== undefined && at.checkedAt !== version; at = at.before)
      at.checkedAt = version
    return true
  }

  /** The tokens it believes current in any partition. */
  tokens(name: StampName): readonly string[] {
    return [...this.#current.values()].flatMap(({ stamps }) => stamps.get(name)?.token ?? [])
  }

  /** Makes what this process knows of these stamps and keys void, and revokes the fills that rely on them. */
  touch(stamps: readonly StampName[], keys: readonly string[]): void {
    for (const name of stamps) {
      // Rotated in one partition or in all: that of the message is not worth telling apart.
      for (const known of this.#current.values()) this.#end(known, name)
      this.#touched.stamp(name)
    }
    for (const key of keys) this.#touched.key(key)
  }

  /** Forgets every generation and revokes every fill, in a time that does not grow with what is known. */
  flush(): void {
    this.#flushedAt = ++this.version
    this.#current = new Map()
    this.#idle = new IdleList()
    this.#touched.everything()
  }

  /** Revokes every fill, but keeps what is known: an ad-hoc pattern may concern any key. */
  touchEveryKey(): void {
    this.#touched.everything()
  }

  /** Keeps stamps and keys from answering and filling memory until {@link unblock}, while their rotation is under way. */
  block(stamps: readonly StampName[], keys: readonly string[], everyKey: boolean): void {
    for (const name of stamps) this.#blockedStamps.set(name, (this.#blockedStamps.get(name) ?? 0) + 1)
    for (const key of keys) this.#blockedKeys.set(key, (this.#blockedKeys.get(key) ?? 0) + 1)
    if (everyKey) this.#blockedAll++
    this.touch(stamps, keys)
    if (everyKey) this.touchEveryKey()
  }

  unblock(stamps: readonly StampName[], keys: readonly string[], everyKey: boolean): void {
    // Touched again: what was loaded or read from the store meanwhile may be from before the rotation.
    this.touch(stamps, keys)
    if (everyKey) this.touchEveryKey()
    for (const name of stamps) lower(this.#blockedStamps, name)
    for (const key of keys) lower(this.#blockedKeys, key)
    if (everyKey) this.#blockedAll--
  }

  /** Whether a rotation under way in this process concerns this key or one of its stamps. */
  blocked(key: string, stamps: readonly StampName[]): boolean {
    if (this.#blockedAll > 0 || this.#blockedKeys.has(key)) return true
    return this.#blockedStamps.size > 0 && stamps.some((name) => this.#blockedStamps.has(name))
  }

  /** Opens a fill: taken before the store is asked, given back with {@link release}. */
  reserve(key: string, stamps: readonly StampName[]): Reservation {
    return this.#touched.reserve(key, stamps)
  }

  release(reservation: Reservation): void {
    this.#touched.release(reservation)
  }

  /** Whether nothing has touched the fill since it was opened, and nothing is rotating what it relies on. */
  intact(reservation: Reservation): boolean {
    return this.#touched.intact(reservation) && !this.blocked(reservation.key, reservation.stamps)
  }

  /** Whether something that the fill relies on is known to have been touched since it was opened. */
  touched(reservation: Reservation): boolean {
    return this.#touched.touched(reservation)
  }

  /**
   * The vector for an entry filled under these tokens of the partition of this epoch, or undefined where the fill was
   * revoked or the tokens contradict what is known (which is then forgotten: one of the two is out of date).
   */
  admit(reservation: Reservation, tokens: readonly string[], epoch: string): Vector | undefined {
    if (!this.intact(reservation)) return undefined
    const partition = this.#current.get(epoch) ?? { epoch, stamps: new Map<StampName, Generation>() }
    const { stamps } = partition
    this.#current.set(partition.epoch, partition)
    let contradiction = false
    const generations = reservation.stamps.map((name, at) => {
      const token = tokens[at] as string
      const known = stamps.get(name)
      if (known !== undefined && known.token !== token) {
        this.#end(partition, name)
        contradiction = true
      }
      return known ?? new Generation(name, token, partition.epoch)
    })
    if (contradiction) return undefined
    let vector: Vector | undefined
    for (const generation of generations) {
      stamps.set(generation.name, generation)
      vector = Vector.of(generation, vector, this.version)
    }
    return vector
  }

  /** An entry in memory holds this vector from now on. */
  hold(vector: Vector): void {
    for (let at: Vector | undefined = vector; at !== undefined; at = at.before)
      if (at.last.holders++ === 0) this.#idle.delete(at.last)
  }

  /** An entry that held this vector has gone. */
  drop(vector: Vector): void {
    for (let at: Vector | undefined = vector; at !== undefined; at = at.before) {
      at.last.holders--
      this.#rest(at.last)
    }
  }

  /** Keeps a vector that no entry holds, as long as there is room. */
  rest(vector: Vector): void {
    for (let at: Vector | undefined = vector; at !== undefined; at = at.before) this.#rest(at.last)
  }

  #rest(generation: Generation): void {
    if (generation.holders > 0 || !generation.live) return
    // Its turn matters only once there is little room left.
    if (this.#idle.size < IDLE_KEPT / 2 && this.#idle.has(generation)) return
    if (!this.#isCurrent(generation)) return
    this.#idle.delete(generation)
    this.#idle.add(generation)
    if (this.#idle.size <= IDLE_KEPT) return
    const { oldest } = this.#idle
    if (oldest === undefined) return
    const known = this.#current.get(oldest.epoch)
    // Forgotten is ended: of what becomes of it nothing will be heard here.
    if (known !== undefined && this.#isCurrent(oldest)) this.#end(known, oldest.name)
    else this.#idle.delete(oldest)
  }

  #isCurrent(generation: Generation): boolean {
    return this.#current.get(generation.epoch)?.stamps.get(generation.name) === generation
  }

  #end({ stamps }: Known, name: StampName): void {
    const generation = stamps.get(name)
    if (generation === undefined) return
    generation.live = false
    this.version++
    stamps.delete(name)
    this.#idle.delete(generation)
  }
}

function lower(counts: Map<string, number>, name: string): void {
  const count = (counts.get(name) ?? 0) - 1
  if (count > 0) counts.set(name, count)
  else counts.delete(name)
}
