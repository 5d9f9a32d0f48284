import { MemoryEntry } from '../coherence/memory-tier.ts'
import { Recent } from '../coherence/recent.ts'
import { TOLD_EVERY } from '../coherence/timing.ts'
import type { Generation, Vector } from '../coherence/vector.ts'
import type { Codec, CodecContext } from '../core/codec.ts'
import type { KeyPlan } from '../core/dependency-map.ts'
import { decodeJudged, encodeEntry, fingerprint, type JudgedEntry } from '../core/entry.ts'
import type { RefusalReason } from '../core/events.ts'
import type { Ttl } from '../core/lifetime.ts'
import { sizeOfEntry } from '../core/size.ts'
import type { Flight, Landed } from '../loading/flight.ts'
import { type Isolated, isolate, isolateDecoded } from './isolation.ts'
import { graceOf } from './request.ts'
import type { ReadRoom } from './room.ts'
import { timingOf } from './timing-of.ts'

/** What a loader brought, with what it said about it. */
export interface LoadedValue {
  readonly value: unknown
  /** Its lifetime, where loader or reader named one. */
  readonly ttl: Ttl | undefined
  /** How long past its lifetime the store may keep it, for readers that would rather have it than wait or fail. */
  readonly graceMs: number
  /** Keep it nowhere. */
  readonly skip: boolean
}

/** A value that came out of the store but may not be answered as it is. */
export type Unusable =
  | { readonly problem: 'expired'; readonly landed: Landed }
  | { readonly problem: 'unreadable' }

/**
 * Puts values into the tiers. Every way in ends here, and every one is fenced twice: the store takes a value only from
 * the claim's holder and under a vector that is still current; memory takes it only if nothing it relies on was
 * touched since its reservation.
 */
export class Keeper {
  readonly #room: ReadRoom

  /** When the store was last told that a key of a sliding lifetime is being read. */
  readonly #prolonged = new Recent<number>(MOST_PROLONGED)

  constructor(room: ReadRoom) {
    this.#room = room
  }

  /** Keeps a loaded value as far as it may be kept. Never rejects: the reader has the value either way. */
  async keep(flight: Flight, loaded: LoadedValue): Promise<Landed> {
    const { clock, lifetimes, flights, stamps, store, shared, counters, events } = this.#room
    const loadedAt = clock.monotonic()
    const { plan, reservation, tokens, epoch } = flight
    const rules = lifetimes.rules(plan.family)
    if (loaded.skip) return this.#refuse(flight, loaded, loadedAt, 'skipped')
    if (flight.underLock) return this.#refuse(flight, loaded, loadedAt, 'locked')
    if (epoch === undefined) return this.#refuse(flight, loaded, loadedAt, 'store-unavailable')
    if (tokens === undefined || !flights.leads(flight))
      return this.#refuse(flight, loaded, loadedAt, 'no-claim')
    if (!shared && !stamps.intact(reservation)) return this.#refuse(flight, loaded, loadedAt, 'invalidated')
    let ttlMs: number
    let isolated: Isolated
    let bytes: Uint8Array
    const etag = this.#room.randomness.token()
    try {
      ttlMs = lifetimes.of(plan, loaded.value, clock.now(), loaded.ttl)
      if (!shared) ttlMs = Math.min(ttlMs, rules.memoryTtlMs)
      if (ttlMs === 0) return this.#refuse(flight, loaded, loadedAt, 'zero-ttl')
      const encoded = this.#encode(flight, loaded.value, ttlMs, etag)
      bytes = encoded instanceof Promise ? await encoded : encoded
      const most = plan.family?.maxEntryBytes ?? this.#room.maxEntryBytes
      const size =
        shared || most === Number.POSITIVE_INFINITY ? bytes.length : sizeOfEntry(plan.key, loaded.value, 1)
      if (size > most)
        return this.#refuse(flight, loaded, loadedAt, 'too-large', `${size} bytes; maxEntryBytes is ${most}`)
      isolated = isolate(loaded.value, this.#room.isolation)
    } catch (error) {
      return this.#refuse(flight, loaded, loadedAt, 'uncacheable', messageOf(error))
    }
    if (flight.reload) this.#room.subscription.expectOwn(flight.nonce)
    try {
      const { key, shard, stamps: names } = plan
      // As long as any reader of the family may take it.
      const keptMs = ttlMs + Math.max(loaded.graceMs, graceOf(rules))
      const filled = await store.fill({
        key,
        shard,
        nonce: flight.nonce,
        epoch,
        stamps: names,
        tokens,
        value: bytes,
        ttlMs: Math.min(keptMs, rules.idleTtlMs),
        prolongedMs: keptMs,
        publish: flight.reload,
        heard: this.#room.strict,
      })
      await filled.heard
      flight.unclaimed = filled.unclaimed === true
      if (!filled.stored) return this.#refuse(flight, loaded, loadedAt, 'invalidated')
    } catch (error) {
      return this.#refuse(flight, loaded, loadedAt, 'store-unavailable', String(error))
    }
    const { value, cloned } = isolated
    const landed: Landed = { value, cloned, tier: 'loader', loadedAt, freshUntil: loadedAt + ttlMs, etag }
    // Replaced, whether or not memory may take what replaces it: of its own echo this process hears nothing.
    if (flight.reload) this.#room.memory?.delete(plan.key)
    this.remember(flight, tokens, landed)
    // Nor may others put back what they are reading of it at this moment.
    if (flight.reload) stamps.touch([], [plan.key])
    counters.fills++
    if (events.has('fill')) events.emit('fill', { key: plan.key, ttlMs, stamps: plan.stamps })
    return landed
  }

  /** Puts a value that is known to be valid under these tokens into memory, if nothing has touched the flight. */
  remember(flight: Flight, tokens: readonly string[], landed: Landed): void {
    const { memory, lease, clock, stamps, flights } = this.#room
    flight.plan.stored = true
    if (landed.freshUntil === undefined) return
    // Whether or not memory may take it.
    this.forgetOlder(flight.plan, landed)
    if (flight.term !== lease.term || !lease.held(clock.monotonic())) return
    if (!flights.leads(flight)) return
    const vector = stamps.admit(flight.reservation, tokens, flight.epoch ?? '')
    if (vector === undefined) return
    if (memory === undefined) {
      stamps.rest(vector)
      return
    }
    this.put(flight.plan, landed, vector)
  }

  /** Drops from memory what is older than a value that has been seen: it is not to be answered after it, not as stale either. */
  forgetOlder({ key }: KeyPlan, { loadedAt }: Landed): void {
    const { memory } = this.#room
    const before = memory?.look(key)
    if (before !== undefined && before.loadedAt < loadedAt) memory?.delete(key)
  }

  /** Puts a value into memory, for no longer than it lives. */
  put(plan: KeyPlan, landed: Landed, vector: Vector): void {
    const { memory, measured, largestInMemory, lifetimes, loadTimes, clock, shared, plans } = this.#room
    const { value, freshUntil } = landed
    if (memory === undefined || freshUntil === undefined) return
    const weighed = measured || largestInMemory < Number.POSITIVE_INFINITY
    const bytes = weighed ? sizeOfEntry(plan.key, value, vector.generations().filter(ownStamp).length) : 0
    if (bytes > largestInMemory) {
      this.#skip(plan.key, bytes, vector)
      return
    }
    const { family } = plan
    const loadMs = loadTimes.of(family?.name)
    const timing = timingOf(freshUntil, lifetimes.rules(family), loadMs, shared, clock.monotonic())
    const until = timing?.unseenUntil ?? freshUntil
    const entry = new MemoryEntry(landed, until, vector, family, timing)
    if (memory.put(plan.key, entry, measured ? bytes : undefined)) plans.taken(plan.key)
  }

  /** Keeps an entry out of memory for its size, and whatever it was to replace. */
  #skip(key: string, bytes: number, vector: Vector): void {
    const { memory, stamps, events, largestInMemory } = this.#room
    memory?.delete(key)
    stamps.rest(vector)
    events.emit('skipped', { key, bytes, maxBytes: largestInMemory })
  }

  /** Notes that memory answers an entry. */
  use(plan: KeyPlan, { timing }: MemoryEntry, now: number): void {
    if (timing === undefined) return
    timing.use(now)
    if (!timing.mustTell(now)) return
    timing.told(now)
    this.prolong(plan)
  }

  /** Where lifetimes slide, has the store keep a value that is being read. Nobody waits for that. */
  prolong(plan: KeyPlan): void {
    const { lifetimes, clock, store, shared } = this.#room
    const { idleTtlMs } = lifetimes.rules(plan.family)
    if (!shared || idleTtlMs === Number.POSITIVE_INFINITY) return
    const now = clock.monotonic()
    if (now < (this.#prolonged.get(plan.key) ?? Number.NEGATIVE_INFINITY) + idleTtlMs * TOLD_EVERY) return
    this.#prolonged.set(plan.key, now)
    store.prolong(plan, idleTtlMs).catch(() => {})
  }

  /** Reads a value that has been judged valid. At once, unless its family has a schema or codec that takes its time. */
  open(plan: KeyPlan, stored: Uint8Array): Landed | Unusable | Promise<Landed | Unusable> {
    const entry = decodeJudged(stored)
    if (typeof entry === 'string') return this.unreadable(plan, entry)
    const { family } = plan
    if (entry.version !== (family?.version ?? 1))
      return this.unreadable(plan, `version ${entry.version} of its shape`)
    const codec = this.#codec(plan)
    if (entry.codec !== codec.id)
      return this.unreadable(plan, `codec ${entry.codec} instead of ${codec.id} (${codec.name})`)
    try {
      const value = codec.decode(entry.payload, this.#context(plan))
      if (family?.schema !== undefined || value instanceof Promise) return this.#openLater(plan, entry, value)
      return this.#landed(entry, isolateDecoded(value, this.#room.isolation))
    } catch (error) {
      return this.unreadable(plan, messageOf(error))
    }
  }

  async #openLater(plan: KeyPlan, entry: JudgedEntry, decoded: unknown): Promise<Landed | Unusable> {
    try {
      const value = await decoded
      const schema = plan.family?.schema
      if (schema === undefined) return this.#landed(entry, isolateDecoded(value, this.#room.isolation))
      const result = await schema['~standard'].validate(value)
      if (result.issues !== undefined)
        return this.unreadable(plan, result.issues[0]?.message ?? 'its schema refuses it')
      return this.#landed(entry, isolate(result.value, this.#room.isolation))
    } catch (error) {
      return this.unreadable(plan, messageOf(error))
    }
  }

  #landed({ loadedAt: at, lifetimeMs, etag }: JudgedEntry, { value, cloned }: Isolated): Landed | Unusable {
    const { clock } = this.#room
    const age = Math.max(0, clock.now() - at)
    const loadedAt = clock.monotonic() - age
    const landed: Landed = { value, cloned, tier: 'store', loadedAt, freshUntil: loadedAt + lifetimeMs, etag }
    return age < lifetimeMs ? landed : { problem: 'expired', landed }
  }

  #encode(
    flight: Flight,
    value: unknown,
    lifetimeMs: number,
    etag: string,
  ): Uint8Array | Promise<Uint8Array> {
    const { shared, clock } = this.#room
    if (!shared) return NOTHING
    const { plan, epoch = '', tokens = [] } = flight
    const codec = this.#codec(plan)
    const loadedAt = clock.now()
    const entryOf = (payload: Uint8Array) =>
      encodeEntry({
        fingerprint: fingerprint(plan.head, epoch, tokens),
        loadedAt,
        lifetimeMs,
        etag,
        version: plan.family?.version ?? 1,
        codec: codec.id,
        payload,
      })
    const payload = codec.encode(value, this.#context(plan))
    return payload instanceof Promise ? payload.then(entryOf) : entryOf(payload)
  }

  #codec({ family }: KeyPlan): Codec {
    return family?.codec ?? this.#room.codec
  }

  #context({ key, family }: KeyPlan): CodecContext {
    return { cache: this.#room.name, family: family?.name, version: family?.version ?? 1, key }
  }

  #refuse(
    flight: Flight,
    { value }: LoadedValue,
    loadedAt: number,
    reason: RefusalReason,
    detail?: string,
  ): Landed {
    const { counters, events } = this.#room
    counters.refuse(reason)
    flight.refused = reason
    if (events.has('refused')) events.emit('refused', { key: flight.plan.key, reason, detail })
    const isolated = this.#isolateUnkept(value, reason)
    const { cloned } = isolated
    return { value: isolated.value, cloned, tier: 'loader', loadedAt, freshUntil: undefined, etag: undefined }
  }

  /** Readers that share a load share its value even where it is not kept. What is never kept is the loader's own. */
  #isolateUnkept(value: unknown, reason: RefusalReason): Isolated {
    const own = { value, cloned: false }
    if (reason === 'skipped' || reason === 'uncacheable') return own
    try {
      return isolate(value, this.#room.isolation)
    } catch {
      return own
    }
  }

  /** Tells of something in the store that is no value of this cache. */
  unreadable({ key }: KeyPlan, reason: string): Unusable {
    this.#room.events.emit('unreadable', { key, reason })
    return { problem: 'unreadable' }
  }
}

/** Whether nobody but the entry holds it, or the one it replaces. */
function ownStamp({ holders }: Generation): boolean {
  return holders <= 1
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const NOTHING = new Uint8Array(0)
/** Of so many keys it is remembered when the store was told that they are being read. */
const MOST_PROLONGED = 10_000
