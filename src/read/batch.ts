import { CacheError, show } from '../core/errors.ts'
import { compiledFamily } from '../core/key.ts'
import type { BatchLoader, ReadOptions } from '../core/loader.ts'
import type { UnitOfWork } from '../core/unit.ts'
import type { Flight, Landed } from '../loading/flight.ts'
import { LoneLoad } from '../loading/lone-load.ts'
import { type Asked, allGivenUp, callBatch } from './call-batch.ts'
import type { LoadAll } from './fetch.ts'
import { deliver } from './isolation.ts'
import { waitFor } from './patience.ts'
import { isUncached, type Reader, unkept } from './reader.ts'
import { checkLoader, graceOf, type ReadRequest } from './request.ts'
import type { ReadRoom } from './room.ts'

/** One key of a batch. */
interface Wanted {
  readonly asked: Asked
  readonly request: ReadRequest
  /** What it came to, once that is known. */
  landed: Landed | undefined
}

/** Reads many keys at once: one trip to the store, one load for all that is missing. */
export class BatchReader {
  readonly #room: ReadRoom
  readonly #reader: Reader

  constructor(room: ReadRoom, reader: Reader) {
    this.#room = room
    this.#reader = reader
  }

  /** The values, in the order asked. A key asked for twice is read once. */
  async getMany(
    asked: readonly Asked[],
    load: BatchLoader<unknown, unknown>,
    options: ReadOptions | undefined,
  ): Promise<unknown[]> {
    checkLoader(load, 'getMany')
    const wanted = new Map<string, Wanted>()
    for (const one of asked) {
      if (wanted.has(one.key)) continue
      wanted.set(one.key, { asked: one, request: this.#reader.request(one.key, options), landed: undefined })
    }
    await this.#read(wanted, load)
    return asked.map(({ key }) => {
      const { value, cloned } = (wanted.get(key) as Wanted).landed as Landed
      return deliver(value, cloned)
    })
  }

  async #read(wanted: ReadonlyMap<string, Wanted>, load: BatchLoader<unknown, unknown>): Promise<void> {
    const all = [...wanted.values()]
    const [first] = all
    if (first === undefined) return
    const unit = this.#room.units.unit()
    if (unit === undefined) {
      const asking = this.#readPlainly(all)
      if (asking !== undefined) await asking
      this.#ahead(all, wanted, load)
    }
    const missing = all.filter(({ landed }) => landed === undefined)
    if (missing.length > 0) await this.#readFully(missing, unit, wanted, load)
  }

  /** Finds what memory can answer, and waits for what a plain read of the store brings, if there is anything to ask. */
  #readPlainly(all: readonly Wanted[]): Promise<void> | undefined {
    const reader = this.#reader
    const asked = all.map((one) => {
      const { request } = one
      if (reader.keepsNothing(request)) return undefined
      const held = reader.recall(request)
      if (held.verdict === 'fresh') one.landed = reader.answerOf(request, held.landed).landed
      const asks = held.verdict === 'none' || held.verdict === 'unconfirmed'
      return asks && reader.readsPlainly(request) ? request.plan : undefined
    })
    return reader.plain.readAll(asked)?.then((found) => {
      for (const [at, landed] of found.entries()) {
        const one = all[at] as Wanted
        if (landed !== undefined) one.landed = reader.answerOf(one.request, landed).landed
      }
    })
  }

  /** Joins or begins a flight for each key, or loads it apart; resolves when all of them have landed. */
  async #readFully(
    missing: readonly Wanted[],
    unit: UnitOfWork | undefined,
    wanted: ReadonlyMap<string, Wanted>,
    load: BatchLoader<unknown, unknown>,
  ): Promise<void> {
    const { joining, fetch } = this.#reader
    const waiting: (() => Promise<void>)[] = []
    const leading: Flight[] = []
    const apart: Wanted[] = []
    const loadAll = this.#loadAll(wanted, load)
    for (const one of missing) {
      const { request } = one
      const kept = !joining.livesApart(request) && !this.#reader.keepsNothing(request)
      const held = kept && unit?.untouched !== false ? this.#reader.recall(request) : undefined
      if (held?.verdict === 'fresh') {
        one.landed = this.#reader.answerOf(request, held.landed).landed
        continue
      }
      const running = unit === undefined && kept ? joining.join(request) : undefined
      if (unit !== undefined || !kept || (running !== undefined && !joining.awaitable(running, request))) {
        apart.push(one)
        continue
      }
      const flight = running ?? joining.begin(request, held, false)
      if (running === undefined) leading.push(flight)
      if (held?.verdict === 'stale') {
        flight.goOn()
        one.landed = this.#reader.answerOf(request, held.landed).landed
        continue
      }
      waiting.push(async () => {
        const landed = await this.#reader.wait(flight, request, held, () => {
          const insisting = joining.begin(request, held, true)
          void fetch.run([insisting], request.frame, loadAll)
          return insisting
        })
        one.landed = this.#reader.answerOf(request, landed).landed
      })
    }
    const { frame } = (missing[0] as Wanted).request
    if (leading.length > 0) void fetch.run(leading, frame, loadAll)
    if (apart.length > 0) waiting.push(() => this.#bypass(apart, load))
    // All at once: the patience of a read counts from its beginning, and whoever waits must be known to.
    await Promise.all(waiting.map((wait) => wait()))
  }

  /** Has those of the values found that are about to end loaded anew, in the background and in one go. */
  #ahead(
    all: readonly Wanted[],
    wanted: ReadonlyMap<string, Wanted>,
    load: BatchLoader<unknown, unknown>,
  ): void {
    const flights: Flight[] = []
    for (const { request, landed } of all) {
      const flight = landed && this.#reader.joining.ahead(request, landed)
      if (flight !== undefined) flights.push(flight)
    }
    if (flights.length > 0) void this.#reader.fetch.run(flights, undefined, this.#loadAll(wanted, load))
  }

  #loadAll(wanted: ReadonlyMap<string, Wanted>, load: BatchLoader<unknown, unknown>): LoadAll {
    return async (flights, from) => {
      const asked = flights.map((flight) => wanted.get(flight.plan.key) as Wanted)
      const missing = asked.map((one) => one.asked)
      const values = await callBatch(missing, load, from, () => allGivenUp(flights))
      return asked.map(({ request: { wishes } }, at) => {
        return { value: values[at], ttl: wishes.ttl, graceMs: graceOf(wishes), skip: false }
      })
    }
  }

  /** Loads without sharing and without keeping. */
  async #bypass(apart: readonly Wanted[], load: BatchLoader<unknown, unknown>): Promise<void> {
    const { units, clock, counters, limits, plans } = this.#room
    const [first] = apart as readonly [Wanted]
    const { frame: parent, wishes } = first.request
    counters.bypasses += apart.length
    const asked = apart.map((one) => one.asked)
    const keys = asked.map(({ key }) => key)
    const from = this.#reader.bypassSource(first.request)
    const alone = new LoneLoad(keys.join(', '), (signal) => {
      const loadAll = () =>
        units.run({ kind: 'load', keys, parent, uncached: isUncached(wishes, parent) }, () =>
          callBatch(asked, load, from, () => signal),
        )
      if (parent !== undefined) return loadAll()
      return limits.run(
        keys.map((key) => plans.of(key).family?.name),
        loadAll,
      )
    })
    const values = await waitFor(alone, wishes, clock, () => undefined)
    await this.#reader.fetch.unkept.ofReads(apart.map(({ request }) => request))
    for (const [at, one] of apart.entries()) one.landed = unkept(values[at], clock.monotonic())
  }
}

/** What `getMany` was asked with: keys, or a family and parameters. @throws CacheError `INVALID_ARGUMENT` */
export function readAsked(keysOrFamily: unknown, params: unknown): readonly Asked[] {
  const list = Array.isArray(keysOrFamily) ? keysOrFamily : params
  if (!Array.isArray(list)) {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `getMany: ${show(list)} is not an array. Pass keys, or a family and an array of its parameters.`,
    )
  }
  if (list === keysOrFamily) return list.map((key: string) => ({ key, as: key }))
  if (compiledFamily(keysOrFamily) === undefined) {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `getMany: ${show(keysOrFamily)} is neither an array of keys nor a key family.`,
    )
  }
  const build = keysOrFamily as (params: unknown) => string
  return list.map((one: unknown) => ({ key: build(one), as: one }))
}
