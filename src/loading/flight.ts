import type { Reservation } from '../coherence/reservations.ts'
import type { KeyPlan } from '../core/dependency-map.ts'
import type { MissReason, RefusalReason } from '../core/events.ts'
import { ANY_SOURCE, type LoadSource } from '../core/load-source.ts'
import type { Position } from '../core/store.ts'

/** What a flight brings to everybody who waits for it. */
export interface Landed {
  readonly value: unknown
  readonly tier: 'memory' | 'store' | 'loader'
  /** Whether each reader gets a clone. */
  readonly cloned: boolean
  /** Monotonic time of the load. */
  readonly loadedAt: number
  /** Monotonic end of its lifetime; undefined where it is kept nowhere. */
  readonly freshUntil: number | undefined
  readonly etag: string | undefined
}

/** One run for one key: a trip to the store and, if that finds nothing, one load. */
export class Flight {
  readonly plan: KeyPlan
  readonly reservation: Reservation
  /** Names its fill claim. */
  readonly nonce: string
  /** The memory lease's term when it began. */
  readonly term: number
  /** Monotonic time at which it began. */
  readonly beganAt: number
  /** Loads whatever the tiers hold, and replaces it. */
  readonly reload: boolean
  /** The tokens it loads under, once the store has given them. */
  tokens: readonly string[] | undefined
  epoch: string | undefined
  /** From where the store says it may load; undefined where the store has not been asked, or could not be. */
  from: LoadSource | undefined
  /** From where its reader wants it to load besides. */
  wanted: LoadSource = ANY_SOURCE
  /** Called with where the store stood, each time it has answered the flight in full. */
  answered: ((positions: readonly Position[]) => void) | undefined
  /** Why it has to load, if it has to. */
  missed: MissReason = 'absent'
  /** Why what it loaded was not kept, where it was not. */
  refused: RefusalReason | undefined
  /** Whether a fill by hand has taken the right to fill from it. */
  superseded = false
  /** Whether the store did not keep it though nobody else has claimed the key. */
  unclaimed = false
  /** Whether a soft lock lies on its vector: what it loads is for its readers alone, from the primary. */
  underLock = false
  /** Whether only a full reply of the store will do. */
  certain = false
  /** Whether the flight that led the key before it can no longer fill: its claim is for the taking. */
  doomed = false
  /** The fill that it is to replace ahead of its end; undefined where it was begun for want of a value. */
  aheadOf: string | undefined
  /** Whether its loader has been called. */
  loading = false
  /** Whether who began it has a value to answer if it fails: then it may be spared its load. */
  sparable: () => boolean = () => false
  /** It was: its source is being given a rest. Who has nothing to answer begins another one, which insists. */
  spared = false
  readonly landed: Promise<Landed>
  readonly keeps = true
  #resolve!: (landed: Landed) => void
  #reject!: (error: unknown) => void
  #waiters = 0
  #ended = false
  #abort: AbortController | undefined
  /** Flights that its loader waits for: a circle of them would wait for ever. */
  readonly #waitsFor = new Set<Flight>()
  #hurried = false
  #onHurry: (() => void)[] = []
  #fallback: Landed | undefined
  #offered: Promise<void> | undefined
  #onOffered: (() => void) | undefined
  /** Whether somebody has been promised that it goes on. */
  #goesOn = false

  constructor(
    plan: KeyPlan,
    reservation: Reservation,
    nonce: string,
    term: number,
    beganAt: number,
    reload: boolean,
  ) {
    this.plan = plan
    this.reservation = reservation
    this.nonce = nonce
    this.term = term
    this.beganAt = beganAt
    this.reload = reload
    this.landed = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Nobody may be waiting when it fails; those who are get the error all the same.
    this.landed.catch(() => {})
  }

  /** A value past its lifetime, valid otherwise: for readers that would rather have that than wait or fail. */
  get fallback(): Landed | undefined {
    return this.#fallback
  }

  /** Offers one to all who wait. */
  offer(fallback: Landed): void {
    this.#fallback = fallback
    this.#onOffered?.()
  }

  /** There is none any more: the store has it no longer, or no longer as a valid value. */
  withdraw(): void {
    this.#fallback = undefined
  }

  /** Resolves once there is a fallback. */
  whenOffered(): Promise<void> {
    if (this.#fallback !== undefined) return Promise.resolve()
    this.#offered ??= new Promise((resolve) => {
      this.#onOffered = resolve
    })
    return this.#offered
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Whether its load was given up: whoever comes now must not share it. */
  get aborted(): boolean {
    return this.#abort?.signal.aborted === true
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  land(landed: Landed): void {
    this.#ended = true
    this.#resolve(landed)
  }

  fail(error: unknown): void {
    this.#ended = true
    this.#reject(error)
  }

  join(): void {
    this.#waiters++
  }

  /** Whether nobody waits for it any more: what it may bring is for later readers. */
  get unawaited(): boolean {
    return this.#waiters <= 0
  }

  /** It goes on, whoever gives up: somebody has been answered otherwise, and counts on what it will bring. */
  goOn(): void {
    this.#goesOn = true
  }

  /** A waiter has got something else. */
  detach(): void {
    this.#waiters--
    this.goOn()
  }

  /** A waiter gives up. The load is aborted when it was the last. */
  leave(reason: unknown): void {
    if (--this.#waiters > 0 || this.#ended || this.#goesOn) return
    this.#abort ??= new AbortController()
    this.#abort.abort(reason)
  }

  /** Its loader waits for another one. */
  waitFor(other: Flight): void {
    this.#waitsFor.add(other)
    if (this.#hurried) other.hurry()
  }

  /** Whether a load that has its turn waits for it, directly or not: then it must not wait for a turn of its own. */
  get hurried(): boolean {
    return this.#hurried
  }

  hurry(): void {
    if (this.#hurried) return
    this.#hurried = true
    for (const begin of this.#onHurry.splice(0)) begin()
    for (const awaited of this.#waitsFor) awaited.hurry()
  }

  onHurry(begin: () => void): void {
    if (this.#hurried) begin()
    else this.#onHurry.push(begin)
  }

  /** Whether this flight's loader waits, directly or not, for `other`. */
  dependsOn(other: Flight): boolean {
    const seen = new Set<Flight>([this])
    for (const flight of seen) {
      if (flight === other) return true
      if (!flight.#ended) for (const awaited of flight.#waitsFor) seen.add(awaited)
    }
    return false
  }
}

/** The flights of one cache. For each key one of them leads: others may join it, and it alone may fill. */
export class Flights {
  readonly #leaders = new Map<string, Flight>()
  #running = 0
  #idle: (() => void)[] = []

  get running(): number {
    return this.#running
  }

  get(key: string): Flight | undefined {
    return this.#leaders.get(key)
  }

  leads(flight: Flight): boolean {
    return this.#leaders.get(flight.plan.key) === flight
  }

  start(): void {
    this.#running++
  }

  /** From now on this flight leads its key; whichever did may land, but not fill. */
  lead(flight: Flight): void {
    this.#leaders.set(flight.plan.key, flight)
  }

  end(flight: Flight): void {
    if (this.leads(flight)) this.#leaders.delete(flight.plan.key)
    if (--this.#running > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Takes the right to fill from whatever leads the key. */
  supersede(key: string): void {
    const leader = this.#leaders.get(key)
    if (leader !== undefined) leader.superseded = true
    this.#leaders.delete(key)
  }

  /** Resolves when nothing runs. */
  idle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#idle.push(resolve)
    })
  }
}
