import type { Frame } from '../coherence/unit-context.ts'
import { asBuffer } from '../core/bytes.ts'
import { sleep } from '../core/clock.ts'
import type { KeyPlan } from '../core/dependency-map.ts'
import { ANY_SOURCE, type LoadSource, newestSource, PRIMARY_SOURCE } from '../core/load-source.ts'
import type { ReadResult } from '../core/store.ts'
import type { Flight, Landed } from '../loading/flight.ts'
import { Keeper, type LoadedValue, type Unusable } from './keeper.ts'
import { CLAIM_TTL_MS, MARK_PREFIX, type ReadRoom } from './room.ts'
import { UnkeptReloads } from './unkept-reloads.ts'

/** Loads the values of these flights, in their order. */
export type LoadAll = (flights: readonly Flight[], from: LoadSource) => Promise<readonly LoadedValue[]>

const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 50
/** By what share a load of another process may seem longer than it is to who waits for it. */
const OVERSLEPT = 0.2

/**
 * Brings flights home: one trip to the store for all of them, one load for those it leaves to this process, then the
 * wait for those that another process loads. A single `get` is a fetch of one.
 */
export class Fetch {
  readonly #room: ReadRoom
  readonly keeper: Keeper
  readonly unkept: UnkeptReloads
  /** Stored values that are past their lifetime or cannot be read, by who found them. */
  readonly #useless = new WeakMap<Flight, Uint8Array>()
  /** Whose load runs under a soft lock, by key. */
  readonly #lockedLoads = new Map<string, Flight>()

  constructor(room: ReadRoom) {
    this.#room = room
    this.keeper = new Keeper(room)
    this.unkept = new UnkeptReloads(room)
  }

  /** Lands or fails every flight. Never rejects. */
  async run(flights: readonly Flight[], around: Frame | undefined, loadAll: LoadAll): Promise<void> {
    try {
      const { mine, others } = await this.#ask(flights)
      if (mine.length > 0) await this.#load(mine, around, loadAll)
      if (others.length > 0) await Promise.all(others.map((flight) => this.#await(flight, around, loadAll)))
    } catch (error) {
      for (const flight of flights) this.#fail(flight, error)
    }
  }

  /**
   * Asks the store. What it answers lands; the rest is this process's to load, or another's to wait for.
   *
   * @param beside Whether to claim beside a valid value, which has been found to be of no use.
   */
  async #ask(
    flights: readonly Flight[],
    beside = false,
  ): Promise<{ mine: readonly Flight[]; others: readonly Flight[] }> {
    const { store, shared, subscription } = this.#room
    const ttlMs = shared ? CLAIM_TTL_MS : Number.POSITIVE_INFINITY
    const items = flights.map((flight) => {
      flight.from = undefined
      const takeOver = flight.reload || flight.doomed
      return {
        key: flight.plan.key,
        shard: flight.plan.shard,
        stamps: flight.plan.stamps,
        head: flight.plan.head,
        claim: { nonce: flight.nonce, ttlMs, takeOver, beside: beside || flight.aheadOf !== undefined },
      }
    })
    if (flights.length === 0) return { mine: [], others: [] }
    const reply = await store.read(items).catch(() => undefined)
    if (reply === undefined) return { mine: flights, others: [] }
    subscription.observe(reply.positions)
    for (const { answered } of flights) answered?.(reply.positions)
    const mine: Flight[] = []
    const others: Flight[] = []
    const unusable: Flight[] = []
    for (const [at, flight] of flights.entries()) {
      const result = reply.results[at] as ReadResult
      flight.epoch = result.epoch
      flight.from = result.from
      if (result.value === undefined) {
        flight.withdraw()
      } else {
        const opening = this.#open(flight, result.value)
        const opened = opening instanceof Promise ? await opening : opening
        if (opened === undefined) {
          // As it was when it was found wanting.
        } else if (!('problem' in opened) && flight.aheadOf === opened.etag && result.claim === 'granted') {
          // Still the one that is about to end, and nobody else has begun to load it.
        } else if (!('problem' in opened)) {
          this.keeper.remember(flight, result.tokens, opened)
          this.keeper.prolong(flight.plan)
          this.land(flight, opened)
          // Filled by another since it was found wanting: the claim is not needed.
          if (result.claim === 'granted') this.#release(flight)
          continue
        } else {
          flight.missed = opened.problem
          if (opened.problem === 'expired') {
            this.keeper.forgetOlder(flight.plan, opened.landed)
            flight.offer(opened.landed)
          }
        }
        if (!beside && flight.aheadOf === undefined) {
          unusable.push(flight)
          continue
        }
      }
      if (result.locked) {
        flight.underLock = true
        flight.missed = 'locked'
        mine.push(flight)
      } else if (result.claim === 'granted') {
        this.#claim(flight, result)
        mine.push(flight)
      } else if (!this.#share(flight, result)) {
        // Refused a claim (a store at its memory limit) there is nobody to wait for; nor is there under a mark, nor
        // where the holder waits for this very load.
        const leader = this.#room.flights.get(flight.plan.key)
        const circle = leader !== flight && leader?.dependsOn(flight) === true
        const waits = result.claim === 'held' && !circle && !result.holder?.startsWith(MARK_PREFIX)
        if (!waits) this.#note(flight, result)
        if (waits) others.push(flight)
        else mine.push(flight)
      }
    }
    if (unusable.length === 0) return { mine, others }
    // Not taken over: one of the fleet loads, as of any other key.
    const second = await this.#ask(unusable, true)
    return { mine: [...mine, ...second.mine], others: [...others, ...second.others] }
  }

  /** Reads what the store has for a flight; undefined for the very value that was of no use to it before. */
  #open(
    flight: Flight,
    stored: Uint8Array,
  ): Landed | Unusable | undefined | Promise<Landed | Unusable | undefined> {
    const before = this.#useless.get(flight)
    if (before !== undefined && asBuffer(before).equals(stored)) return undefined
    const noted = (opened: Landed | Unusable) => {
      if ('problem' in opened) this.#useless.set(flight, stored)
      return opened
    }
    const opening = this.keeper.open(flight.plan, stored)
    return opening instanceof Promise ? opening.then(noted) : noted(opening)
  }

  #claim(flight: Flight, result: ReadResult): void {
    this.#note(flight, result)
    this.#room.flights.lead(flight)
    flight.tokens = result.tokens
  }

  /** Why the flight is going to load. */
  #note(flight: Flight, { voided, strange }: ReadResult): void {
    if (voided) flight.missed = 'invalidated'
    if (strange) {
      flight.missed = 'unreadable'
      this.keeper.unreadable(flight.plan, 'nothing that this version of the library wrote')
    }
  }

  /** Joins the load of this process that holds the claim, if the reply shows that its vector is current. */
  #share(flight: Flight, { holder, tokens }: ReadResult): boolean {
    const leader = this.#room.flights.get(flight.plan.key)
    if (leader === undefined || leader === flight || leader.nonce !== holder || flight.reload) return false
    if (leader.aborted || leader.dependsOn(flight) || leader.tokens?.join() !== tokens.join()) return false
    flight.waitFor(leader)
    leader.join()
    leader.landed.then(
      (landed) => this.land(flight, landed),
      (error) => {
        // Its reader has a right to a load of its own then.
        flight.spared = leader.spared
        this.#fail(flight, error)
      },
    )
    return true
  }

  /** Ends the flights whose source is being given a rest, as far as their readers have something else to answer. */
  #spare(flights: readonly Flight[]): readonly Flight[] {
    const { breaker, lifetimes, clock } = this.#room
    const now = clock.monotonic()
    return flights.filter((flight) => {
      const { plan } = flight
      const rule = lifetimes.rules(plan.family).breaker
      if (rule === false || !flight.sparable() || !breaker.rests(plan, rule, now)) return true
      flight.spared = true
      this.#fail(flight, breaker.error(plan))
      return false
    })
  }

  /** Tells the breaker how a load has ended. */
  #noteFailure(flights: readonly Flight[], error: unknown): void {
    const { breaker, lifetimes, clock, events } = this.#room
    const plans = flights.filter(({ aborted }) => !aborted).map(({ plan }) => plan)
    const ruleOf = ({ family }: KeyPlan) => lifetimes.rules(family).breaker
    breaker.failed(plans, ruleOf, error, clock.monotonic(), (rest) => {
      if (events.has('rest')) events.emit('rest', rest)
    })
  }

  async #load(asked: readonly Flight[], around: Frame | undefined, loadAll: LoadAll): Promise<void> {
    const flights = this.#spare(asked)
    if (flights.length === 0) return
    const { units, clock, counters, events, limits, breaker, loadTimes } = this.#room
    const keys = flights.map((flight) => flight.plan.key)
    const locked = flights.some((flight) => flight.underLock)
    if (locked) await this.#turnOf(flights)
    for (const flight of flights) {
      flight.loading = true
      if (flight.underLock) this.#lockedLoads.set(flight.plan.key, flight)
      if (events.has('miss')) events.emit('miss', { key: flight.plan.key, reason: flight.missed })
    }
    let started: number | undefined
    const stopRenewing = this.#renew(flights)
    try {
      // Outside any unit: what is shared must not be read on one transaction's connection.
      const frame: Frame = { kind: 'load', keys, parent: around, flights }
      const from = newestSource(flights.map((flight) => this.#sourceOf(flight)))
      const load = () => {
        // While it waited for its turn everybody has given up.
        if (flights.every(({ aborted }) => aborted)) throw flights[0]?.signal.reason
        started = clock.monotonic()
        return units.run(frame, () => loadAll(flights, from))
      }
      // What another load waits for must not wait for that one's turn to end.
      const loaded = await (around === undefined ? limits.run(flights.map(familyOf), load, flights) : load())
      const durationMs = clock.monotonic() - (started ?? 0)
      counters.loaded(durationMs)
      for (const { plan } of flights) breaker.succeeded(plan)
      for (const name of familiesOf(flights)) loadTimes.note(name, durationMs)
      if (events.has('load')) for (const key of keys) events.emit('load', { key, durationMs })
      const keep = async (flight: Flight, at: number) => {
        const landed = await this.keeper.keep(flight, loaded[at] as LoadedValue)
        if (flight.reload && flight.refused !== undefined) await this.unkept.ofFlight(flight)
        this.land(flight, landed)
      }
      const [only] = flights
      if (only !== undefined && flights.length === 1) await keep(only, 0)
      else await Promise.all(flights.map(keep))
    } catch (error) {
      const begun = started !== undefined
      if (begun || !flights.every(({ aborted }) => aborted)) {
        counters.loadErrors++
        // What has not begun, for want of a turn, says nothing of the source.
        if (begun) this.#noteFailure(flights, error)
        if (events.has('loadError')) for (const key of keys) events.emit('loadError', { key, error })
      }
      for (const flight of flights) this.#fail(flight, error)
    } finally {
      stopRenewing()
    }
  }

  /**
   * Under a soft lock one load of a key runs and one is next: whoever begins now shares the one that starts after the
   * running one has ended. Nobody waits for a load that waits for theirs.
   */
  async #turnOf(flights: readonly Flight[]): Promise<void> {
    const running = flights.flatMap(({ plan }) => this.#lockedLoads.get(plan.key) ?? [])
    const ahead = running.filter((load) => !flights.some((flight) => load.dependsOn(flight)))
    for (const load of ahead) for (const flight of flights) flight.waitFor(load)
    await Promise.all(ahead.map(({ landed }) => landed.then(nothing, nothing)))
  }

  /** What a store that could not be asked would have said of replicas, nobody knows. */
  #sourceOf({ underLock, from = PRIMARY_SOURCE, wanted }: Flight): LoadSource {
    if (underLock) return PRIMARY_SOURCE
    return this.#room.replicaLagMs === 0 ? ANY_SOURCE : newestSource([from, wanted])
  }

  /** Waits until another process has filled, or until its claim falls to this one; at last loads without filling. */
  async #await(flight: Flight, around: Frame | undefined, loadAll: LoadAll): Promise<void> {
    const { clock, loadWaitMs } = this.#room
    const began = clock.monotonic()
    while (!flight.ended) {
      const waited = clock.monotonic() - began
      if (waited >= loadWaitMs) {
        // What could not be kept is not worth loading for nobody.
        if (flight.unawaited) return this.abandon(flight)
        return this.#load([flight], around, loadAll)
      }
      await sleep(clock, Math.min(Math.max(FIRST_PAUSE_MS, waited * OVERSLEPT), LONGEST_PAUSE_MS), true)
      const { mine, others } = await this.#ask([flight])
      if (others.length === 0) return this.#load(mine, around, loadAll)
    }
  }

  /** Keeps claims alive while their load runs. @returns what stops it. */
  #renew(flights: readonly Flight[]): () => void {
    const { shared, clock, store, lease } = this.#room
    const claimed = flights.filter((flight) => flight.tokens !== undefined)
    if (!shared || claimed.length === 0) return () => {}
    let cancel = () => {}
    const next = () => {
      cancel = clock.after(CLAIM_TTL_MS / 3, () => {
        for (const { plan, nonce } of claimed) store.renew(plan, nonce, CLAIM_TTL_MS).catch(() => {})
        // What may yet be answered past its lifetime must go on being heard of.
        if (claimed.some(({ fallback }) => fallback !== undefined)) lease.want()
        next()
      })
    }
    next()
    return () => cancel()
  }

  land(flight: Flight, landed: Parameters<Flight['land']>[0]): void {
    flight.land(landed)
    this.#end(flight)
    // A claim whose value was not kept would keep others waiting until it lapses.
    if (flight.tokens !== undefined && landed.freshUntil === undefined) this.#release(flight)
  }

  /** Ends a flight that nobody will bring home, and gives its claim back. */
  abandon(flight: Flight): void {
    this.#fail(flight, undefined)
  }

  #fail(flight: Flight, error: unknown): void {
    if (flight.ended) return
    flight.fail(error)
    this.#end(flight)
    if (flight.tokens !== undefined) this.#release(flight)
  }

  #release({ plan, nonce }: Flight): void {
    this.#room.store.release(plan, nonce).catch(() => {})
  }

  #end(flight: Flight): void {
    if (this.#lockedLoads.get(flight.plan.key) === flight) this.#lockedLoads.delete(flight.plan.key)
    this.#room.flights.end(flight)
    this.#room.stamps.release(flight.reservation)
  }
}

function familyOf({ plan }: Flight): string | undefined {
  return plan.family?.name
}

function familiesOf(flights: readonly Flight[]): Iterable<string | undefined> {
  const [only] = flights
  return only !== undefined && flights.length === 1 ? [familyOf(only)] : new Set(flights.map(familyOf))
}

function nothing(): void {}
