import type { MemoryEntry } from '../coherence/memory-tier.ts'
import { ANY_SOURCE, type LoadSource, PRIMARY_SOURCE } from '../core/load-source.ts'
import type { Entry, Loader, ReadOptions } from '../core/loader.ts'
import type { UnitOfWork } from '../core/unit.ts'
import type { Rules } from '../lifetimes/rules.ts'
import type { Flight, Landed } from '../loading/flight.ts'
import { LoneLoad } from '../loading/lone-load.ts'
import { batchedBy } from './batch-loader.ts'
import { Fetch, type LoadAll } from './fetch.ts'
import { Gathering } from './gathering.ts'
import { deliver } from './isolation.ts'
import { entryOf, fromMemory, type Held, Joining, type NotHeld } from './joining.ts'
import { LoadContext, type LoadNotes } from './loader-context.ts'
import { gaveUp, waitFor } from './patience.ts'
import { PlainReads } from './plain-reads.ts'
import {
  checkCircle,
  checkLoader,
  graceOf,
  type ReadRequest,
  type ReadWishes,
  readWishes,
} from './request.ts'
import type { ReadRoom } from './room.ts'
import { judge } from './verdict.ts'

/** What a read came to, before it is delivered. */
export interface Answer {
  readonly landed: Landed
  readonly status: Entry<unknown>['status']
}

/** Reads one key at a time. */
export class Reader {
  readonly #room: ReadRoom
  readonly fetch: Fetch
  readonly joining: Joining
  readonly plain: PlainReads
  readonly #gathering: Gathering
  readonly #wishes = new WeakMap<Rules, ReadWishes>()

  constructor(room: ReadRoom) {
    this.#room = room
    this.fetch = new Fetch(room)
    this.joining = new Joining(room)
    this.plain = new PlainReads(room, this.fetch.keeper)
    this.#gathering = new Gathering(room.clock, this.fetch)
  }

  /** The value. A memory hit is answered at once: lease, lifetime and vector checked, nothing else done. */
  get(key: string, load: Loader<unknown>, options?: ReadOptions): Promise<unknown> {
    if (options === undefined && typeof load === 'function') {
      const hit = this.#hit(key, false)
      if (hit?.cloned === true) return Promise.resolve(deliver(hit.value, true))
      if (hit !== undefined) {
        hit.promise ??= Promise.resolve(hit.value)
        return hit.promise
      }
    }
    return this.#answer(key, load, options).then(({ landed }) => deliver(landed.value, landed.cloned))
  }

  async getEntry(key: string, load: Loader<unknown>, options?: ReadOptions): Promise<Entry<unknown>> {
    const { landed, status } = await this.#answer(key, load, options)
    const { clock, lifetimes, plans } = this.#room
    const now = clock.monotonic()
    const { idleTtlMs } = lifetimes.rules(plans.of(key).family)
    const { freshUntil } = landed
    // Of a value that slides this very read is a use.
    const end =
      freshUntil === undefined || status === 'stale' ? freshUntil : Math.min(freshUntil, now + idleTtlMs)
    return {
      value: deliver(landed.value, landed.cloned),
      status,
      tier: landed.tier,
      age: Math.max(0, now - landed.loadedAt),
      expiresAt: end === undefined ? undefined : Math.round(clock.now() + end - now),
      etag: landed.etag,
    }
  }

  peek(key: string): unknown {
    const hit = this.#hit(key, true)
    return hit === undefined ? undefined : deliver(hit.value, hit.cloned)
  }

  /** The entry memory may answer right now, counted as a hit. Nothing inside a unit or a load. */
  #hit(key: string, peeking: boolean): MemoryEntry | undefined {
    const { memory, units, clock, lease, counters, events } = this.#room
    const entry = memory?.get(key)
    if (entry === undefined || (units.busy && units.current() !== undefined)) return undefined
    const now = clock.monotonic()
    if (now >= entry.until && !answersStill(entry, now, peeking)) return undefined
    if (now >= lease.until || memory?.isLive(entry) !== true) return undefined
    lease.used = true
    counters.memoryHits++
    if (events.hits) events.emit('hit', { key, tier: 'memory', stale: false, ageMs: now - entry.loadedAt })
    return entry
  }

  /** One read, as a straight line. */
  async #answer(key: string, load: Loader<unknown>, options: ReadOptions | undefined): Promise<Answer> {
    checkLoader(load, 'get')
    const request = this.request(key, options)
    if (this.keepsNothing(request)) return this.#apart(request, load)
    const unit = this.#room.units.unit()
    if (unit !== undefined) return this.#insideUnit(request, unit, load)

    const held = this.recall(request)
    if (held.verdict === 'fresh') {
      const answer = this.answerOf(request, held.landed)
      this.#ahead(request, held.landed, load)
      return answer
    }
    const plain = held.verdict === 'stale' ? undefined : this.plainly(request)
    const stored = plain && (await plain)
    if (stored !== undefined) {
      const answer = this.answerOf(request, stored)
      this.#ahead(request, stored, load)
      return answer
    }

    if (this.joining.livesApart(request)) return this.#apart(request, load)
    const running = this.joining.join(request)
    if (running !== undefined && !this.joining.awaitable(running, request)) return this.#apart(request, load)
    const flight = running ?? this.#lead(request, held, load, false)
    if (held.verdict === 'stale') {
      flight.goOn()
      return this.answerOf(request, held.landed)
    }
    const again = () => this.#lead(request, held, load, true)
    const landed = await this.wait(flight, request, held, again)
    const answer = this.answerOf(request, landed)
    if (landed.tier === 'store') this.#ahead(request, landed, load)
    return answer
  }

  /** @throws CacheError for a bad key or option, a signal aborted already, or a read that waits for itself. */
  request(key: string, options: ReadOptions | undefined): ReadRequest {
    const { plans, lifetimes } = this.#room
    const plan = plans.of(key)
    const rules = lifetimes.rules(plan.family)
    const wishes = options === undefined ? this.#usualWishes(rules) : readWishes(options, rules)
    if (wishes.signal?.aborted) throw gaveUp(key, wishes.signal)
    const frame = this.#room.units.current()
    checkCircle(key, frame)
    return { plan, wishes, frame }
  }

  /** The wishes of a read that names none. */
  #usualWishes(rules: Rules): ReadWishes {
    const known = this.#wishes.get(rules)
    if (known !== undefined) return known
    const wishes = readWishes(undefined, rules)
    this.#wishes.set(rules, wishes)
    return wishes
  }

  /** What memory holds for the read: only what is valid, judged by age; void entries are dropped on sight. */
  recall(request: ReadRequest): Held | NotHeld {
    const { memory, clock, lease } = this.#room
    const { plan, wishes } = request
    if (wishes.freshness === 'reload') return { verdict: 'none', missed: 'reload' }
    const now = clock.monotonic()
    if (!lease.held(now)) {
      lease.want()
      return { verdict: 'none', missed: 'unavailable' }
    }
    lease.used = true
    const entry = memory?.get(plan.key)
    if (entry === undefined || this.joining.asksStore(request)) return { verdict: 'none', missed: 'absent' }
    if (memory?.isLive(entry) !== true) {
      memory?.delete(plan.key)
      return { verdict: 'none', missed: 'invalidated' }
    }
    const verdict = judge(entry, now, wishes)
    if (verdict === 'fresh') this.fetch.keeper.use(plan, entry, now)
    return { verdict, entry, landed: fromMemory(entry), missed: 'expired' }
  }

  /** What a plain read of the store brings; undefined where that will not do. */
  plainly(request: ReadRequest): Promise<Landed | undefined> | undefined {
    return this.readsPlainly(request) ? this.plain.read(request.plan) : undefined
  }

  /** Whether a plain read of the store will do. Reads with little patience do without. */
  readsPlainly(request: ReadRequest): boolean {
    const { signal, softMs, hardMs, token } = request.wishes
    if (signal !== undefined || softMs !== undefined || hardMs !== undefined) return false
    // A failover may bring back what its change has replaced, and only a full reply tells of one.
    return token === undefined && !this.joining.asksStore(request)
  }

  /** Has a value that is about to end loaded anew, in the background, if it falls to this read. */
  #ahead(request: ReadRequest, landed: Landed, load: Loader<unknown>): void {
    const flight = this.joining.ahead(request, landed)
    if (flight !== undefined) this.#run(flight, request, load)
  }

  #lead(request: ReadRequest, held: Held | NotHeld, load: Loader<unknown>, insists: boolean): Flight {
    const flight = this.joining.begin(request, held, insists)
    this.#run(flight, request, load)
    return flight
  }

  #run(flight: Flight, request: ReadRequest, load: Loader<unknown>): void {
    const batched = batchedBy(load)
    const { key, params } = request.plan
    // What is read for another load is loaded within it.
    const item = request.frame === undefined ? batched?.itemOf(key, params) : undefined
    if (batched !== undefined && item !== undefined) {
      this.#gathering.add({ flight, request, item }, batched)
      return
    }
    const loadOne: LoadAll = ([one], from) => this.#call(one as Flight, request, load, from)
    void this.fetch.run([flight], request.frame, loadOne)
  }

  async #call(flight: Flight, request: ReadRequest, load: Loader<unknown>, from: LoadSource) {
    const notes: LoadNotes = { ttl: undefined, skip: false }
    const value = await load(new LoadContext(request.plan, from, () => flight.signal, notes))
    const { wishes } = request
    return [{ value, ttl: notes.ttl ?? wishes.ttl, graceMs: graceOf(wishes), skip: notes.skip }]
  }

  /** Waits for the flight, as long as the read wants to; for another one, `again`, if it was spared its load. */
  wait(
    flight: Flight,
    request: ReadRequest,
    held: Held | NotHeld | undefined,
    again: () => Flight,
  ): Promise<Landed> {
    const entry = entryOf(held)
    const wait = (one: Flight) =>
      waitFor(one, request.wishes, this.#room.clock, (when) =>
        this.joining.reserve(one, request, entry, when),
      )
    return wait(flight).catch((error) => {
      // Nothing to answer after all, or not to this reader: it has a right to a load.
      if (!flight.spared) throw error
      return wait(again())
    })
  }

  /** Counts and tells how a read ended. */
  answerOf({ plan }: ReadRequest, landed: Landed): Answer {
    const { counters, events, clock } = this.#room
    if (landed.tier === 'loader') {
      counters.misses++
      return { landed, status: 'miss' }
    }
    const now = clock.monotonic()
    const stale = landed.freshUntil !== undefined && now >= landed.freshUntil
    if (stale) counters.staleHits++
    else if (landed.tier === 'memory') counters.memoryHits++
    else counters.storeHits++
    if (events.has('hit'))
      events.emit('hit', { key: plan.key, tier: landed.tier, stale, ageMs: now - landed.loadedAt })
    return { landed, status: stale ? 'stale' : 'hit' }
  }

  /**
   * Whether the read neither asks nor fills: a lifetime of 0, a closed cache, or a token of a change that no store had
   * been told of, so that nothing but the source is certain to show it, nor its parts.
   */
  keepsNothing({ plan, wishes, frame }: ReadRequest): boolean {
    const { closed, lifetimes, clock, shared } = this.#room
    if (shared && isUncached(wishes, frame)) return true
    return closed() || lifetimes.never(plan, clock.now(), wishes.ttl)
  }

  /** Inside a unit: from the cache only while the unit is certain to have written nothing; never into it. */
  async #insideUnit(request: ReadRequest, unit: UnitOfWork, load: Loader<unknown>): Promise<Answer> {
    const held = unit.untouched ? this.recall(request) : undefined
    if (held?.verdict === 'fresh') return this.answerOf(request, held.landed)
    return this.#bypass(request, load)
  }

  /** From where a load may read that does without the store. */
  bypassSource({ frame, wishes }: ReadRequest): LoadSource {
    const unsure = this.#room.replicaLagMs > 0 || frame !== undefined || wishes.token?.queued === true
    return unsure ? PRIMARY_SOURCE : ANY_SOURCE
  }

  async #apart(request: ReadRequest, load: Loader<unknown>): Promise<Answer> {
    const answer = await this.#bypass(request, load)
    await this.fetch.unkept.ofReads([request])
    return answer
  }

  async #bypass(request: ReadRequest, load: Loader<unknown>): Promise<Answer> {
    const { counters, clock, units, limits } = this.#room
    const { plan, frame, wishes } = request
    counters.bypasses++
    const from = this.bypassSource(request)
    const alone = new LoneLoad(plan.key, async (signal) => {
      const notes: LoadNotes = { ttl: undefined, skip: true }
      const context = new LoadContext(plan, from, () => signal, notes)
      const uncached = isUncached(wishes, frame)
      const loadOne = async () =>
        units.run({ kind: 'load', keys: [plan.key], parent: frame, uncached }, () => load(context))
      return frame === undefined ? limits.run([plan.family?.name], loadOne) : loadOne()
    })
    const value = await waitFor(alone, wishes, clock, () => undefined)
    return { landed: unkept(value, clock.monotonic()), status: 'bypass' }
  }
}

/** Whether only the source will do: by the read's own token, or for the load it is a part of. */
export function isUncached({ token }: ReadRequest['wishes'], frame: ReadRequest['frame']): boolean {
  return token?.queued === true || (frame?.kind === 'load' && frame.uncached === true)
}

/** A value that is kept nowhere. */
export function unkept(value: unknown, loadedAt: number): Landed {
  return { value, tier: 'loader', cloned: false, loadedAt, freshUntil: undefined, etag: undefined }
}

/** Whether memory may answer an entry whose timing has to be looked at, with nothing else to be done. Notes the use. */
function answersStill({ timing }: MemoryEntry, now: number, peeking: boolean): boolean {
  if (timing === undefined || !(peeking ? now < timing.memoryUntil : timing.plain(now))) return false
  timing.use(now)
  return true
}
