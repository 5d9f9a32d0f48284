import type { Clock } from '../core/clock.ts'
import { LeadBook } from '../core/lead-book.ts'
import { type LoadSource, type LogPosition, PRIMARY_SOURCE } from '../core/load-source.ts'
import type { Randomness } from '../core/random.ts'
import type { StampName } from '../core/stamp.ts'
import {
  type MapRegistration,
  REGISTRATION_MS,
  SETTINGS_MS,
  type StoreListener,
  TRUSTS_RESTARTS,
} from '../core/store.ts'
import { RecentRotations } from './recent-rotations.ts'

/** A stamp with the soft locks on it: id → monotonic deadline. */
interface HeldStamp {
  readonly token: string
  readonly created: number
  readonly locks: ReadonlyMap<string, number>
}

/** Who hears of a namespace's invalidations, and whose values it reads. */
export interface Subscriber {
  readonly name: string
  readonly listener: StoreListener
}

/** Stands for lease holders that nobody knows of: they never acknowledge, so that their leases are waited for. */
const UNKNOWN_HOLDERS = '?'

/** The stamps, the sequence and the subscribers of one namespace of a memory store. */
export class NamespaceState {
  readonly subscribers = new Map<string, Subscriber>()
  /** Processes by their last heartbeat. */
  readonly holders = new Map<string, number>()
  readonly #maps = new Map<string, { readonly skeleton: string; readonly until: number }>()
  #settings: { readonly text: string; readonly until: number } | undefined
  readonly #stamps = new Map<StampName, HeldStamp>()
  readonly #clock: Clock
  readonly #randomness: Randomness
  #recent: RecentRotations
  epoch = ''
  sequence = 0
  #born = 0

  constructor(clock: Clock, randomness: Randomness) {
    this.#clock = clock
    this.#randomness = randomness
    this.#recent = new RecentRotations(clock.monotonic())
    this.reset()
  }

  /** Everything is lost, and starts again under a new epoch. */
  reset(): void {
    this.#stamps.clear()
    this.#maps.clear()
    this.holders.clear()
    this.#settings = undefined
    this.#recent.everything(this.#clock.monotonic())
    this.#begin()
  }

  #begin(): void {
    this.epoch = this.#randomness.token()
    this.sequence = 0
    this.#born = this.#clock.monotonic()
  }

  /** The current token; an empty text where there is none. */
  token(name: StampName): string {
    return this.#stamps.get(name)?.token ?? ''
  }

  /** Whether a lock is on the stamp that has not been taken off, expired or not. */
  locked(name: StampName): boolean {
    return (this.#stamps.get(name)?.locks.size ?? 0) > 0
  }

  /** Those of the stamps that bear a lock whose transaction has never told how it ended. */
  expired(names: readonly StampName[]): readonly StampName[] {
    const now = this.#clock.monotonic()
    return names.filter((name) =>
      [...(this.#stamps.get(name)?.locks.values() ?? [])].some((deadline) => deadline <= now),
    )
  }

  create(name: StampName): string {
    const token = this.#randomness.token()
    this.#stamps.set(name, { token, created: this.#clock.monotonic(), locks: new Map() })
    return token
  }

  /** A locked stamp has no expiry, and is not evicted. */
  evict(name: StampName): void {
    if (!this.locked(name)) this.#stamps.delete(name)
  }

  /** Remembers everything. @returns what a namespace goes on with, under a new epoch unless restarts are trusted. */
  replica(): (into: NamespaceState) => void {
    const stamps = new Map(this.#stamps)
    const maps = new Map(this.#maps)
    const holders = new Map(this.holders)
    const settings = this.#settings
    const recent = this.#recent.replica()
    const { epoch, sequence } = this
    const born = this.#born
    return (into) => {
      into.reset()
      for (const [name, stamp] of stamps) into.#stamps.set(name, stamp)
      for (const [digest, map] of maps) into.#maps.set(digest, map)
      for (const [process, at] of holders) into.holders.set(process, at)
      into.#settings = settings
      into.#recent = recent()
      if (settings?.text.includes(TRUSTS_RESTARTS) !== true) return
      into.epoch = epoch
      into.sequence = sequence
      into.#born = born
    }
  }

  /** Voids the token. The locks of others stay, and with them a stamp. */
  rotate(name: StampName, ownLock: string | undefined): void {
    const now = this.#clock.monotonic()
    const others = [...(this.#stamps.get(name)?.locks ?? [])].filter(
      ([id, deadline]) => id !== ownLock && deadline > now,
    )
    if (others.length === 0) this.#stamps.delete(name)
    else this.#stamps.set(name, { token: this.#randomness.token(), created: now, locks: new Map(others) })
  }

  /** Locks or renews. @returns whether the stamp did not bear the lock. */
  lock(name: StampName, id: string, lockMs: number): boolean {
    const now = this.#clock.monotonic()
    const stamp = this.#stamps.get(name)
    const live = [...(stamp?.locks ?? [])].filter(([, deadline]) => deadline > now)
    const voided = stamp === undefined || live.length < stamp.locks.size
    const mine = !voided && stamp.locks.has(id)
    const locks = new Map([...live, [id, now + lockMs]])
    this.#stamps.set(
      name,
      mine ? { ...stamp, locks } : { token: this.#randomness.token(), created: now, locks },
    )
    return !mine
  }

  /** Keeps the namespace's settings alive. @returns those in force, where they differ. */
  agree(text: string): string | undefined {
    const now = this.#clock.monotonic()
    if (this.#settings !== undefined && this.#settings.text !== text) {
      if (now < this.#settings.until) return this.#settings.text
      this.#begin()
    }
    this.#settings = { text, until: now + SETTINGS_MS }
    return undefined
  }

  register({ digest, stamp, skeleton }: MapRegistration): void {
    const now = this.#clock.monotonic()
    if ((this.#maps.get(digest)?.until ?? now) <= now || !this.#stamps.has(stamp)) this.create(stamp)
    this.#maps.set(digest, { skeleton, until: now + REGISTRATION_MS })
  }

  get maps(): readonly string[] {
    const now = this.#clock.monotonic()
    return [...this.#maps].filter(([, { until }]) => until > now).map(([digest]) => digest)
  }

  skeleton(digest: string): string | undefined {
    return this.#maps.get(digest)?.skeleton
  }

  /** Processes whose memory lease may be live; some that are not known, where they may have been lost with an epoch. */
  leaseHolders({ maxStalenessMs }: { readonly maxStalenessMs: number }): readonly string[] {
    const since = this.#clock.monotonic() - maxStalenessMs
    const known = [...this.holders].flatMap(([process, at]) => (at >= since ? process : []))
    return this.#born > since ? [...known, UNKNOWN_HOLDERS] : known
  }

  /** Remembers for a while what has been rotated, for loads from replicas that lag. */
  noteRotated(names: readonly StampName[], lagMs: number, position: LogPosition | undefined): void {
    this.#recent.note(names, this.#clock.monotonic(), lagMs, position)
  }

  /** Everything counts as rotated lately. */
  noteEverything(): void {
    this.#recent.everything(this.#clock.monotonic())
  }

  /**
   * From where a load may read. Rotations may have been lost with an epoch that has just begun, and writers may not have
   * rotated for a map that has just been registered.
   */
  sourceOf(names: readonly StampName[], { stamp }: MapRegistration, lagMs: number): LoadSource {
    const now = this.#clock.monotonic()
    const known = Math.max(this.#born, this.#stamps.get(stamp)?.created ?? 0)
    if (lagMs > 0 && now < known + lagMs) return PRIMARY_SOURCE
    return this.#recent.sourceOf(names, now, lagMs)
  }

  /** Whether locks may have been lost with an epoch just begun, or not yet met a map just registered. */
  quarantined({ stamp }: MapRegistration, lockMs: number): boolean {
    const since = Math.max(this.#born, this.#stamps.get(stamp)?.created ?? 0)
    return lockMs > 0 && this.#clock.monotonic() < since + lockMs
  }
}

interface Claim {
  readonly nonce: string
  readonly vector: string
  readonly until: number
}

/** The values and claims of one application, and who leads what of it. */
export class ApplicationState {
  readonly #values = new Map<string, { readonly bytes: Uint8Array; readonly until: number }>()
  readonly #claims = new Map<string, Claim>()
  readonly leads: LeadBook
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
    this.leads = new LeadBook(clock)
  }

  value(key: string): Uint8Array | undefined {
    const value = this.#values.get(key)
    if (value === undefined || this.#clock.monotonic() < value.until) return value?.bytes
    this.#values.delete(key)
    return undefined
  }

  store(key: string, bytes: Uint8Array, ttlMs: number): void {
    this.#values.set(key, { bytes, until: this.#clock.monotonic() + ttlMs })
  }

  prolong(key: string, ttlMs: number): void {
    const bytes = this.value(key)
    if (bytes !== undefined) this.store(key, bytes, ttlMs)
  }

  claim(key: string): Claim | undefined {
    const claim = this.#claims.get(key)
    return claim !== undefined && this.#clock.monotonic() < claim.until ? claim : undefined
  }

  take(key: string, nonce: string, vector: string, ttlMs: number): void {
    this.#claims.set(key, { nonce, vector, until: this.#clock.monotonic() + ttlMs })
  }

  release(key: string): void {
    this.#claims.delete(key)
  }

  forget(key: string): void {
    this.#values.delete(key)
    this.#claims.delete(key)
  }

  /** Every key with a value or a claim. */
  keys(): string[] {
    return [...new Set([...this.#claims.keys(), ...this.#values.keys()])]
  }

  evict(key: string, what: 'value' | 'claim'): void {
    if (what === 'value') this.#values.delete(key)
    else this.#claims.delete(key)
  }

  /** Remembers everything. @returns what an application goes on with. */
  replica(): (into: ApplicationState) => void {
    const values = new Map(this.#values)
    const claims = new Map(this.#claims)
    const leads = this.leads.replica()
    return (into) => {
      into.reset()
      leads(into.leads)
      for (const [key, value] of values) into.#values.set(key, value)
      for (const [key, claim] of claims) into.#claims.set(key, claim)
    }
  }

  reset(): void {
    this.#values.clear()
    this.#claims.clear()
    this.leads.reset()
  }
}
