import type { InvalidateRequests } from '../core/change.ts'
import { type Clock, sleep } from '../core/clock.ts'
import type { ChangeEvent, Consumed, Consumer, Parked } from '../core/consumer.ts'
import { type Duration, milliseconds } from '../core/duration.ts'
import { CacheError, isCacheError, show } from '../core/errors.ts'
import { checkCount, checkOptions } from '../core/options.ts'
import type { Randomness } from '../core/random.ts'
import type { Receipt } from '../core/receipt.ts'
import { Turns } from '../core/turns.ts'

/** How events are consumed. An option that is `undefined` is not given. */
export interface ConsumerOptions<E> {
  /** Names an event. @default its `id` */
  readonly id?: ((event: E) => string) | undefined
  /**
   * What an event makes void. It may ask a database; what it throws is tried again, and parks the event in the end.
   *
   * @default the event's `change`
   */
  readonly change?: ((event: E) => InvalidateRequests | Promise<InvalidateRequests>) | undefined
  /** How many events are handled at once; the others wait in the order of their coming. @default 20 */
  readonly concurrency?: number | undefined
  /** Until when an event must have been applied, from its coming: below the broker's own deadline. @default '30s' */
  readonly deadline?: Duration | undefined
  /** How often `change` may throw before the event is parked. @default 5 */
  readonly attempts?: number | undefined
  /** The pause after the first attempt in vain; it doubles up to 5 s, and up to half of it is left out at random. @default '100ms' */
  readonly backoff?: Duration | undefined
  /** How many ids of events applied lately are remembered, to know duplicates by. @default 10_000 */
  readonly remembered?: number | undefined
  /** How many events may be parked; beyond, one that should be rejects instead, so that the broker keeps it. @default 1_000 */
  readonly mostParked?: number | undefined
  /** Told of each event that is parked. */
  readonly onParked?: ((parked: Parked<E>) => void) | undefined
}

/** What a consumer works with. */
export interface ConsumerRoom {
  readonly invalidate: (change: InvalidateRequests) => Promise<Receipt>
  readonly clock: Clock
  readonly randomness: Randomness
}

const OPTIONS = [
  'id',
  'change',
  'concurrency',
  'deadline',
  'attempts',
  'backoff',
  'remembered',
  'mostParked',
  'onParked',
]
const LONGEST_PAUSE_MS = 5_000

/** Mistakes in what an event says: trying it again would find them again. */
const HOPELESS = [
  'INVALID_ARGUMENT',
  'INVALID_PATTERN',
  'INVALID_KEY',
  'UNKNOWN_TABLE',
  'UNKNOWN_SCOPE',
] as const

/**
 * Applies changes that arrive at least once, in any order: from a queue, a topic, a webhook. Made by `createConsumer`;
 * what it promises stands there.
 */
export class EventConsumer<E> implements Consumer<E> {
  readonly #room: ConsumerRoom
  readonly #idOf: (event: E) => string
  readonly #changeOf: (event: E) => InvalidateRequests | Promise<InvalidateRequests>
  readonly #turns: Turns
  readonly #deadlineMs: number
  readonly #attempts: number
  readonly #backoffMs: number
  readonly #remembered: number
  readonly #mostParked: number
  readonly #onParked: (parked: Parked<E>) => void
  /** Ids of events that were applied, oldest first. */
  readonly #applied = new Set<string>()
  readonly #underWay = new Map<string, Promise<Consumed>>()
  readonly #parked = new Map<string, Parked<E>>()

  constructor(room: ConsumerRoom, options: ConsumerOptions<E> = {}) {
    const what = 'createConsumer'
    checkOptions(options, OPTIONS, what)
    this.#room = room
    this.#idOf = options.id ?? ((event) => (event as Partial<ChangeEvent> | undefined)?.id as string)
    this.#changeOf =
      options.change ?? ((event) => (event as Partial<ChangeEvent> | undefined)?.change as InvalidateRequests)
    this.#turns = new Turns(
      checkCount(options.concurrency ?? 20, 1, `${what}: concurrency`),
      Number.POSITIVE_INFINITY,
    )
    this.#deadlineMs = milliseconds(options.deadline ?? '30s', `${what}: deadline`)
    this.#attempts = checkCount(options.attempts ?? 5, 1, `${what}: attempts`)
    this.#backoffMs = milliseconds(options.backoff ?? '100ms', `${what}: backoff`)
    this.#remembered = checkCount(options.remembered ?? 10_000, 0, `${what}: remembered`)
    this.#mostParked = checkCount(options.mostParked ?? 1_000, 0, `${what}: mostParked`)
    this.#onParked = options.onParked ?? (() => {})
  }

  get pending(): number {
    return this.#underWay.size
  }

  get parked(): readonly Parked<E>[] {
    return [...this.#parked.values()]
  }

  async consume(event: E): Promise<Consumed> {
    const id = this.#idOf(event)
    if (typeof id !== 'string' || id === '') {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `consume: ${show(event)} has no id by which a duplicate is known.`,
      )
    }
    if (this.#applied.has(id) || this.#parked.has(id)) return DUPLICATE
    const same = this.#underWay.get(id)
    // It shares the fate of the first: acknowledged only if that one is.
    if (same !== undefined) return same.then(() => DUPLICATE)
    const consumed = this.#inTurn(id, event).finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, consumed)
    return consumed
  }

  async replay(id?: string): Promise<readonly Consumed[]> {
    if (id !== undefined && !this.#parked.has(id))
      throw new CacheError('INVALID_ARGUMENT', `replay: no event ${show(id)} is parked.`)
    const events = this.parked.filter((one) => id === undefined || one.id === id)
    return Promise.all(
      events.map((one) => {
        this.#parked.delete(one.id)
        return this.consume(one.event).catch((error) => {
          // Neither applied nor parked anew: it must not be lost for that.
          this.#parked.set(one.id, { ...one, error })
          throw error
        })
      }),
    )
  }

  drop(id: string): boolean {
    return this.#parked.delete(id)
  }

  async #inTurn(id: string, event: E): Promise<Consumed> {
    const { clock } = this.#room
    const deadline = clock.monotonic() + this.#deadlineMs
    let giveUp = () => {}
    const cancel = clock.after(this.#deadlineMs, () => giveUp(), true)
    try {
      const its = await this.#turns.takeUnless((over) => {
        giveUp = over
      })
      if (!its) throw tooLate(id, this.#deadlineMs)
      const late = new Promise<never>((_, reject) => {
        giveUp = () => reject(tooLate(id, this.#deadlineMs))
      })
      return await Promise.race([this.#apply(id, event, deadline), late]).finally(() => this.#turns.give())
    } finally {
      cancel()
    }
  }

  async #apply(id: string, event: E, deadline: number): Promise<Consumed> {
    const { clock } = this.#room
    let failures = 0
    for (let attempts = 1; ; attempts++) {
      if (clock.monotonic() >= deadline) throw tooLate(id, this.#deadlineMs)
      try {
        const receipt = await this.#room.invalidate(await this.#changeOf(event))
        if (receipt.status === 'applied') {
          this.#remember(id)
          return { status: 'applied', receipt, attempts }
        }
        // The store is away. This process will tell it, but may not live as long: the broker must keep the event.
      } catch (error) {
        // Another process will be given it; and what nobody waits for any more is not parked here.
        if (isCacheError(error, 'CACHE_CLOSED')) throw error
        if (clock.monotonic() >= deadline) throw tooLate(id, this.#deadlineMs)
        failures++
        if (HOPELESS.some((code) => isCacheError(error, code)) || failures >= this.#attempts)
          return this.#park({ id, event, error, attempts, at: clock.now() })
      }
      await sleep(clock, Math.min(this.#pause(attempts), Math.max(0, deadline - clock.monotonic())), true)
    }
  }

  #pause(attempts: number): number {
    const longest = Math.min(this.#backoffMs * 2 ** Math.min(attempts - 1, 20), LONGEST_PAUSE_MS)
    return longest * (1 - this.#room.randomness.fraction() / 2)
  }

  #park(parked: Parked<E>): Consumed {
    if (this.#parked.size >= this.#mostParked) {
      throw new CacheError(
        'OVERLOADED',
        `consume: ${this.#parked.size} events are parked, which is all that mostParked allows. Replay or drop them; the broker keeps this one.`,
        { cause: parked.error },
      )
    }
    this.#parked.set(parked.id, parked)
    this.#onParked(parked)
    return { status: 'parked', receipt: undefined, attempts: parked.attempts }
  }

  #remember(id: string): void {
    this.#applied.add(id)
    if (this.#applied.size <= this.#remembered) return
    const [oldest] = this.#applied
    if (oldest !== undefined) this.#applied.delete(oldest)
  }
}

const DUPLICATE: Consumed = Object.freeze({ status: 'duplicate', receipt: undefined, attempts: 0 })

function tooLate(id: string, deadlineMs: number): CacheError {
  return new CacheError(
    'TIMEOUT',
    `consume: the event ${show(id)} was not applied within its deadline of ${deadlineMs} ms. Have the broker deliver it again.`,
  )
}
