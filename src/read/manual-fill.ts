import type { CancelTimer } from '../core/clock.ts'
import { CacheError, show } from '../core/errors.ts'
import type { Ttl } from '../core/lifetime.ts'
import { ANY_SOURCE, PRIMARY_SOURCE } from '../core/load-source.ts'
import type { Mark } from '../core/loader.ts'
import { checkOptions } from '../core/options.ts'
import { Flight } from '../loading/flight.ts'
import type { Fetch } from './fetch.ts'
import { readWishes } from './request.ts'
import { MARK_PREFIX, MARK_TTL_MS, type ReadRoom } from './room.ts'

/** Fills by hand: the mark takes the fill claim and the vector, `set` is its fill, fenced like any other. */
export class ManualFill {
  readonly #room: ReadRoom
  readonly #fetch: Fetch
  readonly #open = new Map<string, Flight>()
  readonly #timers = new Map<string, CancelTimer>()

  constructor(room: ReadRoom, fetch: Fetch) {
    this.#room = room
    this.#fetch = fetch
  }

  /** @throws CacheError `INVALID_KEY`; `INSIDE_UNIT` inside a unit of work. */
  async mark(key: string): Promise<Mark> {
    this.#refuseInsideUnit('mark', key)
    const { plans, stamps, randomness, lease, clock, flights, store, subscription } = this.#room
    const plan = plans.of(key)
    const nonce = MARK_PREFIX + randomness.token().slice(1)
    const now = clock.monotonic()
    const flight = new Flight(
      plan,
      stamps.reserve(key, plan.stamps),
      nonce,
      lease.held(now) ? lease.term : Number.NaN,
      now,
      true,
    )
    flights.start()
    this.#open.set(nonce, flight)
    const claim = { nonce, ttlMs: MARK_TTL_MS, takeOver: true }
    let from = this.#room.replicaLagMs === 0 ? ANY_SOURCE : PRIMARY_SOURCE
    const reply = await store
      .read([{ key, shard: plan.shard, stamps: plan.stamps, claim }])
      .catch(() => undefined)
    const result = reply?.results[0]
    if (reply !== undefined && result?.claim === 'granted' && !result.locked) {
      from = result.from
      subscription.observe(reply.positions)
      flight.epoch = result.epoch
      flight.tokens = result.tokens
      flights.supersede(key)
    }
    this.#timers.set(
      nonce,
      clock.after(MARK_TTL_MS, () => this.#expire(nonce)),
    )
    return Object.freeze({ key, nonce, ...from })
  }

  /** @throws CacheError `INVALID_MARK`, `INVALID_OPTION`, `INSIDE_UNIT` */
  async set(
    key: string,
    value: unknown,
    options: { readonly mark: Mark; readonly ttl?: Ttl },
  ): Promise<boolean> {
    this.#refuseInsideUnit('set', key)
    checkOptions(options, ['mark', 'ttl'], 'set')
    // Before the mark is used up: a refused call leaves it open.
    const ttl = options?.ttl === undefined ? undefined : readWishes({ ttl: options.ttl }).ttl
    const flight = this.#take(key, options?.mark)
    // A load that took the claim since the mark leads the key now; one that was left without it cannot fill.
    if (this.#room.flights.get(key)?.tokens === undefined) this.#room.flights.lead(flight)
    const landed = await this.#fetch.keeper.keep(flight, { value, ttl, graceMs: 0, skip: false })
    this.#fetch.land(flight, landed)
    return landed.freshUntil !== undefined
  }

  /** Ends every open mark. */
  abandonAll(): void {
    for (const nonce of [...this.#open.keys()]) this.#expire(nonce)
  }

  #take(key: string, mark: Mark | undefined): Flight {
    const flight = typeof mark?.nonce === 'string' ? this.#open.get(mark.nonce) : undefined
    if (mark === undefined || flight === undefined) {
      throw new CacheError(
        'INVALID_MARK',
        `set: ${show(mark)} is no open mark. Call mark(${show(key)}) before reading the data; a mark serves once and for ${MARK_TTL_MS / 1_000} seconds.`,
        { key },
      )
    }
    if (mark.key !== key) {
      throw new CacheError('INVALID_MARK', `set: the mark is for ${show(mark.key)}, not for ${show(key)}.`, {
        key,
      })
    }
    this.#forget(mark.nonce)
    return flight
  }

  #expire(nonce: string): void {
    const flight = this.#open.get(nonce)
    if (flight === undefined) return
    this.#forget(nonce)
    this.#fetch.abandon(flight)
  }

  #forget(nonce: string): void {
    this.#open.delete(nonce)
    this.#timers.get(nonce)?.()
    this.#timers.delete(nonce)
  }

  #refuseInsideUnit(what: string, key: string): void {
    if (this.#room.units.unit() === undefined) return
    throw new CacheError(
      'INSIDE_UNIT',
      `${what} inside a unit of work would keep what may yet be rolled back. Fill after the commit.`,
      { key },
    )
  }
}
