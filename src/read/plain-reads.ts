import type { Reservation } from '../coherence/reservations.ts'
import { allLive, type Generation } from '../coherence/stamp-table.ts'
import { beginsWith } from '../core/bytes.ts'
import type { KeyPlan } from '../core/dependency-map.ts'
import { fingerprint } from '../core/entry.ts'
import type { Landed } from '../loading/flight.ts'
import type { Keeper, Unusable } from './keeper.ts'
import type { ReadRoom } from './room.ts'

/** A whole vector, as this process knows it: enough to judge a stored value without asking for its stamps. */
interface Known {
  readonly vector: readonly Generation[]
  readonly epoch: string
  /** The stamp table's count of flushes when it was looked up. */
  readonly flushes: number
  /** The stamp table's version at which it was last found live. */
  checkedAt: number
  /** The fingerprint of a valid value. */
  readonly expected: string
}

/** One key that is being read. */
interface Asked {
  readonly plan: KeyPlan
  readonly known: Known
  /** The memory lease's term when it was asked for. */
  readonly term: number
  readonly reservation: Reservation | undefined
  readonly landed: Promise<Landed | undefined>
  readonly answer: (landed: Landed | undefined) => void
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
    const { shared, lease, clock, stamps, memory } = this.#room
    if (!shared || !plan.stored || !lease.held(clock.monotonic())) return undefined
    const asked = this.#asked.get(plan.key)
    if (asked !== undefined) return asked.landed
    const known = this.#know(plan)
    if (known === undefined || stamps.blocked(plan.key, plan.stamps)) return undefined
    let answer!: Asked['answer']
    const landed = new Promise<Landed | undefined>((resolve) => {
      answer = resolve
    })
    const reservation = memory && stamps.reserve(plan.key, plan.stamps)
    if (this.#asked.size === 0) process.nextTick(() => void this.#send())
    this.#asked.set(plan.key, { plan, known, term: lease.term, reservation, landed, answer })
    return landed
  }

  async #send(): Promise<void> {
    const { store } = this.#room
    const asked = [...this.#asked.values()]
    this.#asked = new Map()
    const values = await store.values(asked.map(({ plan }) => plan)).catch(() => undefined)
    for (const [at, one] of asked.entries()) {
      // A store that did not answer says nothing of what it holds.
      if (values === undefined) this.#end(one, undefined)
      else this.#receive(one, values[at])
    }
  }

  #receive(asked: Asked, value: Uint8Array | undefined): void {
    const { plan, known } = asked
    const valid = value !== undefined && beginsWith(value, known.expected)
    const opened: ReturnType<Keeper['open']> = valid ? this.#keeper.open(plan, value) : NOT_THERE
    if (opened instanceof Promise) void opened.then((later) => this.#accept(asked, later))
    else this.#accept(asked, opened)
  }

  #accept(asked: Asked, opened: Landed | Unusable): void {
    if ('problem' in opened) {
      // There is nothing to be had this way until the key has been seen in the store again.
      asked.plan.stored = false
      this.#end(asked, undefined)
    } else if (this.#stillCurrent(asked)) {
      this.#remember(asked, opened)
      this.#keeper.prolong(asked.plan)
      this.#end(asked, opened)
    } else {
      this.#end(asked, undefined)
    }
  }

  #end({ reservation, answer }: Asked, landed: Landed | undefined): void {
    if (reservation !== undefined) this.#room.stamps.release(reservation)
    answer(landed)
  }

  /** Nothing touched the vector while the value was on its way, so that the judgement stands. */
  #stillCurrent({ term, known }: Asked): boolean {
    const { lease, clock } = this.#room
    return term === lease.term && lease.held(clock.monotonic()) && this.#isLive(known)
  }

  /** Looked through only if some generation has ended since it was last. */
  #isLive(known: Known): boolean {
    const { stamps } = this.#room
    if (known.flushes !== stamps.flushes) return false
    if (known.checkedAt === stamps.version) return true
    if (!allLive(known.vector)) return false
    known.checkedAt = stamps.version
    return true
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
    if (before?.epoch === epoch && this.#isLive(before)) return before
    const vector = stamps.vector(plan.stamps, epoch)
    if (vector === undefined) return undefined
    const tokens = vector.map(({ token }) => token)
    const { flushes, version } = stamps
    const expected = fingerprint(plan.head, epoch, tokens)
    const known: Known = { vector, epoch, flushes, checkedAt: version, expected }
    this.#known.set(plan, known)
    return known
  }
}

const NOT_THERE: Unusable = { problem: 'unreadable' }
