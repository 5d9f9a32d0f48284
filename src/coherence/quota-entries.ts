import type { HeldEntries } from './held-entries.ts'

/** In whose room an entry lies, and whose it is there. */
export interface Place {
  /** The family, where it has a limit of its own. */
  readonly family: string | undefined
  /** The tenant; entries of none are together. */
  readonly tenant: string | undefined
}

/** How many entries memory holds, of whom. */
export interface Quotas {
  /** Of all families that have no limit of their own. */
  readonly maxEntries: number | undefined
  /** Of all together. */
  readonly maxBytes: number | undefined
  /** Of one tenant, in each room. */
  readonly perTenant: number | undefined
  /** Families with a room of their own. */
  readonly families: ReadonlyMap<string, number>
}

type Disposed<Entry> = (entry: Entry, key: string, reason: 'evict' | 'set' | 'delete') => void

const NO_SIZE: { readonly size: number } = Object.freeze({ size: 0 })

/** Who has used nothing for so long gives way first. */
const IDLE_MS = 60_000

/** One tenant's entries in one room, least recently used first. */
interface List<Entry> {
  readonly room: Room<Entry>
  readonly tenant: string | undefined
  readonly slots: Map<string, Slot<Entry>>
  bytes: number
  /** Monotonic time at which any of them was last used. */
  usedAt: number
}

interface Slot<Entry> {
  readonly entry: Entry
  readonly list: List<Entry>
  readonly bytes: number
}

/** Lists by a measure of theirs; those that are alike, least recently used first. */
class Ranks<Entry> {
  readonly #lists = new Map<number, Set<List<Entry>>>()
  #highest = 0

  /** Moves a list, to the end of those that are alike. 0 is nowhere. */
  move(list: List<Entry>, from: number, to: number): void {
    const before = this.#lists.get(from)
    before?.delete(list)
    if (before?.size === 0 && from !== to) this.#lists.delete(from)
    if (to > 0) {
      const alike = this.#lists.get(to)
      if (alike === undefined) this.#lists.set(to, new Set([list]))
      else alike.add(list)
      this.#highest = Math.max(this.#highest, to)
    }
    while (this.#highest > 0 && !this.#lists.has(this.#highest)) this.#highest--
  }

  /** Of the lists of the highest rank that used longest ago. */
  get first(): List<Entry> | undefined {
    return this.#lists.get(this.#highest)?.values().next().value
  }
}

interface Room<Entry> {
  readonly limit: number | undefined
  /** By tenant, whoever used its own longest ago first. */
  readonly lists: Map<string | undefined, List<Entry>>
  readonly ranks: Ranks<Entry>
  count: number
}

/**
 * Entries under quotas: each family with a limit has a room of its own, and in each room each tenant its own order of use.
 * A tenant over its quota gives up what it used longest ago. A full room takes from a tenant that has used nothing for a
 * minute; if there is none, from whoever has most in it, so that a noisy tenant displaces its own entries and not those of
 * others. Of several that have as many it takes from whoever used its own longest ago.
 */
export class QuotaEntries<Entry> implements HeldEntries<Entry> {
  readonly #quotas: Quotas
  readonly #placeOf: (key: string) => Place
  readonly #now: () => number
  readonly #disposed: Disposed<Entry>
  readonly #slots = new Map<string, Slot<Entry>>()
  readonly #rooms = new Map<string | undefined, Room<Entry>>()
  /** Lists by the logarithm of their bytes: who has most, within a factor of two. */
  readonly #heavy = new Ranks<Entry>()
  #bytes = 0

  /** @param now the time, on the monotonic clock */
  constructor(quotas: Quotas, placeOf: (key: string) => Place, now: () => number, disposed: Disposed<Entry>) {
    this.#now = now
    this.#quotas = quotas
    this.#placeOf = placeOf
    this.#disposed = disposed
  }

  get size(): number {
    return this.#slots.size
  }

  get calculatedSize(): number {
    return this.#bytes
  }

  keys(): Iterable<string> {
    return this.#slots.keys()
  }

  peek(key: string): Entry | undefined {
    return this.#slots.get(key)?.entry
  }

  get(key: string): Entry | undefined {
    const slot = this.#slots.get(key)
    if (slot === undefined) return undefined
    const { slots, room } = slot.list
    slots.delete(key)
    slots.set(key, slot)
    room.ranks.move(slot.list, slots.size, slots.size)
    this.#use(slot.list)
    return slot.entry
  }

  set(key: string, entry: Entry, { size: bytes } = NO_SIZE): void {
    const { maxBytes, perTenant } = this.#quotas
    const place = this.#placeOf(key)
    this.#remove(key, 'set')
    if (maxBytes !== undefined && bytes > maxBytes) return
    const list = this.#listOf(place)
    const { room } = list
    const slot = { entry, list, bytes }
    this.#slots.set(key, slot)
    list.slots.set(key, slot)
    room.count++
    room.ranks.move(list, list.slots.size - 1, list.slots.size)
    this.#weight(list, bytes)
    this.#use(list)
    if (perTenant !== undefined && list.tenant !== undefined && list.slots.size > perTenant)
      this.#evict(list, key)
    if (room.limit !== undefined && room.count > room.limit)
      this.#evict(idle(room, list.usedAt) ?? room.ranks.first ?? list, key)
    while (maxBytes !== undefined && this.#bytes > maxBytes) this.#evict(this.#heavy.first ?? list, key)
  }

  delete(key: string): boolean {
    return this.#remove(key, 'delete')
  }

  /** Takes what the list used longest ago. Where that is what was just put, it is not taken in, and nobody disposes of it. */
  #evict(list: List<Entry>, put: string): void {
    const oldest = list.slots.keys().next().value as string
    this.#remove(oldest, oldest === put ? undefined : 'evict')
  }

  #use(list: List<Entry>): void {
    const { room, tenant } = list
    list.usedAt = this.#now()
    if (room.lists.size < 2) return
    room.lists.delete(tenant)
    room.lists.set(tenant, list)
  }

  #remove(key: string, reason: 'evict' | 'set' | 'delete' | undefined): boolean {
    const slot = this.#slots.get(key)
    if (slot === undefined) return false
    const { entry, list, bytes } = slot
    const { room, slots } = list
    this.#slots.delete(key)
    slots.delete(key)
    room.count--
    room.ranks.move(list, slots.size + 1, slots.size)
    this.#weight(list, -bytes)
    if (slots.size === 0) room.lists.delete(list.tenant)
    if (reason !== undefined) this.#disposed(entry, key, reason)
    return true
  }

  #weight(list: List<Entry>, bytes: number): void {
    if (this.#quotas.maxBytes === undefined) return
    const before = rankOf(list.bytes)
    list.bytes += bytes
    this.#bytes += bytes
    this.#heavy.move(list, before, rankOf(list.bytes))
  }

  #listOf({ family, tenant: whose }: Place): List<Entry> {
    const { perTenant, families, maxEntries } = this.#quotas
    let room = this.#rooms.get(family)
    if (room === undefined) {
      const limit = family === undefined ? maxEntries : families.get(family)
      room = { limit, lists: new Map(), ranks: new Ranks(), count: 0 }
      this.#rooms.set(family, room)
    }
    const tenant = perTenant === undefined ? undefined : whose
    let list = room.lists.get(tenant)
    if (list === undefined) {
      list = { room, tenant, slots: new Map(), bytes: 0, usedAt: 0 }
      room.lists.set(tenant, list)
    }
    return list
  }
}

/** Of the tenants in the room the one that has used nothing for longest, if that is long enough. */
function idle<Entry>({ lists }: Room<Entry>, now: number): List<Entry> | undefined {
  const first = lists.values().next().value
  return first !== undefined && now - first.usedAt > IDLE_MS ? first : undefined
}

/** 0 for nothing, then one more for each doubling. */
function rankOf(bytes: number): number {
  return bytes <= 0 ? 0 : 1 + Math.floor(Math.log2(bytes))
}
