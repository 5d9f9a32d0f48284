import type { Reservation } from '../coherence/reservations.ts'
import type { Vector } from '../coherence/vector.ts'
import { beginsWith } from '../core/bytes.ts'
import type { KeyPlan } from '../core/dependency-map.ts'
import { fingerprint } from '../core/entry.ts'
import type { Landed } from '../loading/flight.ts'
import type { Keeper, Unusable } from './keeper.ts'
import type { ReadRoom } from './room.ts'

/** A whole vector, as this process knows it: enough to judge a stored value without asking for its stamps. */
interface Known {
  readonly vector: Vector
  readonly epoch: string
  /** The fingerprint of a valid value. */
  readonly expected: string
}

/** Called with the value, or with nothing where there is none to be had this way. */
type Answer = (landed: Landed | undefined) => void

/** One key that is being read. */
interface Asked {
  readonly plan: KeyPlan
  readonly known: Known
  /** The memory lease's term when it was asked for. */
  readonly term: number
  readonly reservation: Reservation | undefined
  readonly answers: Answer[]
}

/**
 * Reads of values alone, judged by this process: under a memory lease, of keys whose whole vector it knows, and that
 * were in the store when it last looked. What is asked for in one turn of the event loop goes to the store as one
 * command. Nobody claims or loads anything here; whoever gets no answer goes the whole way.
 */
export class PlainReads {
  readonly #room: ReadRoom
  readonly #keeper: Keeper
  /** What was known of keys read lately. */
  readonly #known = new WeakMap<KeyPlan, Known>()
  #asked = new Map<string, Asked>()

  constructor(room: ReadRoom, keeper: Keeper) {
    this.#room = room
    this.#keeper = keeper
  }

  /** The value, or nothing that may be answered; undefined at once where it is not worth asking. Never rejects. */
  read(plan: KeyPlan): Promise<Landed | undefined> | undefined {
    const asked = this.#worthAsking(plan)
    return asked && new Promise((resolve) => asked.answers.push(resolve))
  }

  /**
   * The values of several keys, in their order: one wait for all of them. Undefined at once where no key is worth asking
   * for. Never rejects.
   */
  readAll(plans: readonly (KeyPlan | undefined)[]): Promise<readonly (Landed | undefined)[]> | undefined {
    const landed: (Landed | undefined)[] = []
    let left = 0
    let done: (landed: readonly (Landed | undefined)[]) => void = () => {}
    for (let at = 0; at < plans.length; at++) {
      const plan = plans[at]
      const asked = plan && this.#worthAsking(plan)
      if (asked === undefined) continue
      left++
      asked.answers.push((one) => {
        landed[at] = one
        if (--left === 0) done(landed)
      })
    }
    if (left === 0) return undefined
    return new Promise((resolve) => {
      done = resolve
    })
  }

  #worthAsking(plan: KeyPlan): Asked | undefined {
    const { shared, lease, clock, stamps, memory } = this.#room
    if (!shared || !plan.stored || !lease.held(clock.monotonic())) return undefined
    const asked = this.#asked.get(plan.key)
    if (asked !== undefined) return asked
    const known = this.#know(plan)
    if (known === undefined || stamps.blocked(plan.key, plan.stamps)) return undefined
    const reservation = memory && stamps.reserve(plan.key, plan.stamps)
    if (this.#asked.size === 0) process.nextTick(() => void this.#send())
    const one: Asked = { plan, known, term: lease.term, reservation, answers: [] }
    this.#asked.set(plan.key, one)
    return one
  }

  async #send(): Promise<void> {
    const { store } = this.#room
    const asked = [...this.#asked.values()]
    this.#asked = new Map()
    const values = await store.values(asked.map(({ plan }) => plan)).catch(() => undefined)
    // A store that did not answer says nothing of what it holds.
    if (values === undefined) for (const one of asked) this.#end(one, undefined)
    else this.#receive(asked, values)
  }

  #receive(asked: readonly Asked[], values: readonly (Uint8Array | undefined)[]): void {
    const opened = asked.map((one, at) => this.#open(one, values[at]))
    // After all of them have been opened, so that one look at the clock is late enough for each.
    const leased = this.#isLeased()
    for (const [at, one] of asked.entries()) {
      const landed = opened[at] as Landed | Unusable | Promise<Landed | Unusable>
      if (landed instanceof Promise) void landed.then((later) => this.#accept(one, later, this.#isLeased()))
      else this.#accept(one, landed, leased)
    }
  }

  #open({ plan, known }: Asked, value: Uint8Array | undefined): ReturnType<Keeper['open']> {
    const valid = value !== undefined && beginsWith(value, known.expected)
    return valid ? this.#keeper.open(plan, value) : NOT_THERE
  }

  #accept(asked: Asked, opened: Landed | Unusable, leased: boolean): void {
    const { lease, stamps } = this.#room
    if ('problem' in opened) {
      // There is nothing to be had this way until the key has been seen in the store again.
      asked.plan.stored = false
      this.#end(asked, undefined)
    } else if (leased && asked.term === lease.term && stamps.isLive(asked.known.vector)) {
      // Nothing touched the vector while the value was on its way, so that the judgement stands.
      this.#remember(asked, opened)
      this.#keeper.prolong(asked.plan)
      this.#end(asked, opened)
    } else {
      this.#end(asked, undefined)
    }
  }

  #end({ reservation, answers }: Asked, landed: Landed | undefined): void {
    if (reservation !== undefined) this.#room.stamps.release(reservation)
    for (const answer of answers) answer(landed)
  }

  #isLeased(): boolean {
    const { lease, clock } = this.#room
    return lease.held(clock.monotonic())
  }

  #remember({ plan, known, reservation }: Asked, landed: Landed): void {
    const { memory, stamps } = this.#room
    if (memory === undefined || reservation === undefined) {
      stamps.rest(known.vector)
      return
    }
    if (stamps.intact(reservation)) this.#keeper.put(plan, landed, known.vector)
  }

  #know(plan: KeyPlan): Known | undefined {
    const { stamps, subscription, store } = this.#room
    const epoch = subscription.epoch(store.partition(plan))
    if (epoch === undefined) return undefined
    const before = this.#known.get(plan)
    if (before?.epoch === epoch && stamps.isLive(before.vector)) return before
    const vector = stamps.vector(plan.stamps, epoch)
    if (vector === undefined) return undefined
    const tokens = vector.generations().map(({ token }) => token)
    const known: Known = { vector, epoch, expected: fingerprint(plan.head, epoch, tokens) }
    this.#known.set(plan, known)
    return known
  }
}

const NOT_THERE: Unusable = { problem: 'unreadable' }
