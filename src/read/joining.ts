import type { MemoryEntry } from '../coherence/memory-tier.ts'
import type { WaitingLoad } from '../coherence/unit-context.ts'
import type { MissReason } from '../core/events.ts'
import { ANY_SOURCE, type LoadSource, PRIMARY_SOURCE } from '../core/load-source.ts'
import { readPlace } from '../core/token.ts'
import { isDue } from '../lifetimes/refresh-ahead.ts'
import { Flight, type Landed } from '../loading/flight.ts'
import type { ReserveWhen } from './patience.ts'
import { graceOf, type ReadRequest } from './request.ts'
import type { ReadRoom } from './room.ts'
import type { Verdict } from './verdict.ts'

/** A valid entry in memory, and what its age allows. */
export interface Held {
  readonly verdict: Verdict
  readonly entry: MemoryEntry
  readonly landed: Landed
  readonly missed: MissReason
}

/** Why memory has nothing for a read. */
export interface NotHeld {
  readonly verdict: 'none'
  readonly missed: MissReason
}

/** Decides which flight a read waits for: one that is under way, or one of its own. */
export class Joining {
  readonly #room: ReadRoom

  constructor(room: ReadRoom) {
    this.#room = room
  }

  /** Whether the read must hear from the store itself, whatever this process knows. */
  asksStore({ plan, wishes, frame }: ReadRequest): boolean {
    const { shared, subscription, store } = this.#room
    if (!shared) return false
    if (wishes.freshness !== 'bounded' || frame?.kind === 'load') return true
    const { token } = wishes
    if (token === undefined) return false
    if (!token.readable) return true
    if (token.positions.size === 0) return false
    const own = store.partition(plan)
    // What was made void in another partition is nothing that this key hangs on.
    return [...token.positions].some(([place, sequence]) => {
      const { partition, epoch } = readPlace(place)
      return partition === own && !subscription.reached(epoch, sequence)
    })
  }

  /** Whether the key of a nested read lives in another partition: the composite's stamps say nothing of its parts'. */
  livesApart({ plan, frame }: ReadRequest): boolean {
    const { store, plans } = this.#room
    if (frame?.kind !== 'load') return false
    const partition = store.partition(plan)
    return frame.keys.some((key) => store.partition(plans.of(key)) !== partition)
  }

  /** A running flight that the read may share: nothing has touched it since it began. */
  join(request: ReadRequest): Flight | undefined {
    const { flights, stamps, lease, clock, strict, maxStalenessMs } = this.#room
    const flight = flights.get(request.plan.key)
    if (flight === undefined || this.asksStore(request)) return undefined
    if (request.wishes.freshness === 'reload' && (flight.loading || !flight.reload)) return undefined
    if (flight.aborted || !stamps.intact(flight.reservation) || (flight.underLock && flight.loading))
      return undefined
    const now = clock.monotonic()
    const heard = lease.held(now) && flight.term === lease.term
    // In strict mode nobody waits for a process without a lease: what it has under way may be older than a commit.
    if (!heard && (strict || now - flight.beganAt >= maxStalenessMs)) return undefined
    return flight
  }

  /**
   * Remembers which loads wait for which, and refuses a wait that would never end. What a load waits for does not wait for
   * a turn: the load around it holds one.
   */
  awaitable(flight: Flight, { frame }: ReadRequest): boolean {
    const around: WaitingLoad[] = []
    for (let at = frame; at?.kind === 'load'; at = at.parent)
      if (!at.ended) around.push(...(at.flights ?? []))
    if (around.some((outer) => flight.dependsOn(outer as Flight))) return false
    for (const outer of around) outer.waitFor(flight)
    if (frame?.kind === 'load') flight.hurry()
    return true
  }

  /**
   * A new flight for the key; it leads the key unless another, still good one does.
   *
   * @param insists Whether it loads though its source is being given a rest.
   */
  begin(request: ReadRequest, held: Held | NotHeld | undefined, insists: boolean): Flight {
    const { plans, stamps, randomness, lease, clock, flights, shared } = this.#room
    const { wishes } = request
    // As it is now: coherence may have been switched since the read began, and what is kept is kept under this plan.
    const plan = plans.of(request.plan.key)
    const now = clock.monotonic()
    const term = lease.held(now) ? lease.term : Number.NaN
    const leader = flights.get(plan.key)
    const reservation = stamps.reserve(plan.key, plan.stamps)
    const flight = new Flight(plan, reservation, randomness.token(), term, now, wishes.freshness === 'reload')
    flight.missed = held?.missed ?? 'absent'
    const entry = entryOf(held)
    if (!insists && graceOf(wishes) > 0)
      flight.sparable = () => this.reserve(flight, request, entry, 'slow') !== undefined
    flight.certain = this.asksStore(request)
    flight.wanted = wantedSource(wishes)
    flight.answered = wishes.answered
    flight.doomed = leader !== undefined && (leader.aborted || !stamps.intact(leader.reservation))
    flights.start()
    const next = leader?.underLock === true && leader.loading
    if (!shared || leader === undefined || flight.doomed || next) flights.lead(flight)
    this.awaitable(flight, request)
    return flight
  }

  /** The flight that is to load a value anew ahead of its end; undefined where that is not this read's to do, or not yet. */
  ahead(request: ReadRequest, { freshUntil, etag }: Landed): Flight | undefined {
    const { lifetimes, loadTimes, clock, randomness, flights, breaker } = this.#room
    const { plan, frame } = request
    const { aheadBeta, breaker: rule } = lifetimes.rules(plan.family)
    if (aheadBeta === 0 || frame !== undefined || freshUntil === undefined || etag === undefined)
      return undefined
    if (flights.get(plan.key) !== undefined) return undefined
    const now = clock.monotonic()
    if (now >= freshUntil) return undefined
    const loadMs = loadTimes.of(plan.family?.name)
    if (!isDue(freshUntil - now, loadMs, aheadBeta, randomness.fraction())) return undefined
    if (rule !== false && breaker.rests(plan, rule, now)) return undefined
    const flight = this.begin(request, { verdict: 'none', missed: 'ahead' }, true)
    flight.aheadOf = etag
    flight.goOn()
    return flight
  }

  /** A value past its lifetime that may be answered at this moment, if nothing has made it void. */
  reserve(
    flight: Flight,
    { wishes }: ReadRequest,
    entry: MemoryEntry | undefined,
    when: ReserveWhen,
  ): Landed | undefined {
    const { clock, lease, stamps, memory } = this.#room
    const now = clock.monotonic()
    const inTime = (freshUntil: number | undefined) =>
      freshUntil !== undefined && now < freshUntil + windowOf(wishes, when)
    // Not the entry's vector alone: its key may have been named, and stamps that no entry holds end unnoticed.
    if (!stamps.intact(flight.reservation)) return undefined
    const valid = entry !== undefined && lease.held(now) && memory?.isLive(entry) === true
    if (valid && inTime(entry.freshUntil)) return fromMemory(entry)
    const { fallback } = flight
    return fallback !== undefined && inTime(fallback.freshUntil) ? fallback : undefined
  }
}

/** From where a read wants to be loaded: it may know more than the store does. */
function wantedSource({ freshness, token }: ReadRequest['wishes']): LoadSource {
  if (freshness === 'reload' || token?.readable === false) return PRIMARY_SOURCE
  return token?.position === undefined ? ANY_SOURCE : { source: 'primary', position: token.position }
}

/** How long past its lifetime a read takes a value, by the reason for which it would. */
function windowOf(wishes: ReadRequest['wishes'], when: ReserveWhen): number {
  if (when === 'slow') return graceOf(wishes)
  return when === 'stale' ? wishes.staleWhileRevalidateMs : wishes.staleIfErrorMs
}

export function entryOf(held: Held | NotHeld | undefined): MemoryEntry | undefined {
  return held !== undefined && 'entry' in held ? held.entry : undefined
}

export function fromMemory(entry: MemoryEntry): Landed {
  const { value, cloned, loadedAt, freshUntil, etag } = entry
  return { value, cloned, loadedAt, freshUntil, etag, tier: 'memory' }
}
