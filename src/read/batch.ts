import { CacheError, show } from '../core/errors.ts'
import { compiledFamily } from '../core/key.ts'
import type { BatchLoader, ReadOptions } from '../core/loader.ts'
import type { Flight, Landed } from '../loading/flight.ts'
import { LoneLoad } from '../loading/lone-load.ts'
import { type Asked, allGivenUp, callBatch } from './call-batch.ts'
import type { LoadAll } from './fetch.ts'
import { deliver } from './isolation.ts'
import { waitFor } from './patience.ts'
import { isUncached, type Reader, unkept } from './reader.ts'
import { checkLoader, graceOf, type ReadRequest } from './request.ts'
import type { ReadRoom } from './room.ts'

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
    const unique = new Map(asked.map((one) => [one.key, one]))
    const requests = new Map([...unique.keys()].map((key) => [key, this.#reader.request(key, options)]))
    const found = await this.#read(unique, requests, load)
    return asked.map(({ key }) => {
      const landed = found.get(key) as Landed
      return deliver(landed.value, landed.cloned)
    })
  }

  async #read(
    asked: ReadonlyMap<string, Asked>,
    requests: ReadonlyMap<string, ReadRequest>,
    load: BatchLoader<unknown, unknown>,
  ): Promise<ReadonlyMap<string, Landed>> {
    const { units } = this.#room
    const found = new Map<string, Landed>()
    const waiting: (() => Promise<void>)[] = []
    const leading: Flight[] = []
    const apart: Asked[] = []
    const unit = units.unit()
    const plain = unit === undefined ? this.#readPlainly(requests, found) : []
    if (plain.length > 0) await Promise.all(plain)
    this.#ahead(asked, requests, load, found)
    for (const [key, request] of requests) {
      if (found.has(key)) continue
      const kept = !this.#reader.joining.livesApart(request) && !this.#reader.keepsNothing(request)
      const held = kept && unit?.untouched !== false ? this.#reader.recall(request) : undefined
      if (held?.verdict === 'fresh') {
        found.set(key, this.#reader.answerOf(request, held.landed).landed)
        continue
      }
      const running = unit === undefined && kept ? this.#reader.joining.join(request) : undefined
      if (
        unit !== undefined ||
        !kept ||
        (running !== undefined && !this.#reader.joining.awaitable(running, request))
      ) {
        apart.push(asked.get(key) as Asked)
        continue
      }
      const flight = running ?? this.#reader.joining.begin(request, held, false)
      if (running === undefined) leading.push(flight)
      if (held?.verdict === 'stale') {
        flight.goOn()
        found.set(key, this.#reader.answerOf(request, held.landed).landed)
        continue
      }
      waiting.push(async () => {
        const landed = await this.#reader.wait(flight, request, held, () => {
          const insisting = this.#reader.joining.begin(request, held, true)
          void this.#reader.fetch.run([insisting], request.frame, this.#loadAll(asked, requests, load))
          return insisting
        })
        found.set(key, this.#reader.answerOf(request, landed).landed)
      })
    }
    const first = requests.values().next().value
    if (first === undefined) return found
    if (leading.length > 0)
      void this.#reader.fetch.run(leading, first.frame, this.#loadAll(asked, requests, load))
    if (apart.length > 0) waiting.push(() => this.#bypass(apart, first, load, found))
    // All at once: the patience of a read counts from its beginning, and whoever waits must be known to.
    await Promise.all(waiting.map((wait) => wait()))
    return found
  }

  /** Finds what memory can answer, and begins plain reads of what the store may. */
  #readPlainly(requests: ReadonlyMap<string, ReadRequest>, found: Map<string, Landed>): Promise<void>[] {
    const reader = this.#reader
    const asked: Promise<void>[] = []
    for (const [key, request] of requests) {
      if (reader.keepsNothing(request)) continue
      const held = reader.recall(request)
      if (held.verdict === 'fresh') found.set(key, reader.answerOf(request, held.landed).landed)
      const ask = held.verdict === 'none' || held.verdict === 'unconfirmed'
      const plain = ask ? reader.plainly(request) : undefined
      if (plain === undefined) continue
      asked.push(
        plain.then((landed) => {
          if (landed !== undefined) found.set(key, reader.answerOf(request, landed).landed)
        }),
      )
    }
    return asked
  }

  /** Has those of the values found that are about to end loaded anew, in the background and in one go. */
  #ahead(
    asked: ReadonlyMap<string, Asked>,
    requests: ReadonlyMap<string, ReadRequest>,
    load: BatchLoader<unknown, unknown>,
    found: ReadonlyMap<string, Landed>,
  ): void {
    const flights: Flight[] = []
    for (const [key, landed] of found) {
      const flight = this.#reader.joining.ahead(requests.get(key) as ReadRequest, landed)
      if (flight !== undefined) flights.push(flight)
    }
    if (flights.length === 0) return
    void this.#reader.fetch.run(flights, undefined, this.#loadAll(asked, requests, load))
  }

  #loadAll(
    asked: ReadonlyMap<string, Asked>,
    requests: ReadonlyMap<string, ReadRequest>,
    load: BatchLoader<unknown, unknown>,
  ): LoadAll {
    return async (flights, from) => {
      const missing = flights.map((flight) => asked.get(flight.plan.key) as Asked)
      const values = await callBatch(missing, load, from, () => allGivenUp(flights))
      return flights.map((flight, at) => {
        const { wishes } = requests.get(flight.plan.key) as ReadRequest
        return { value: values[at], ttl: wishes.ttl, graceMs: graceOf(wishes), skip: false }
      })
    }
  }

  /** Loads without sharing and without keeping. */
  async #bypass(
    apart: readonly Asked[],
    request: ReadRequest,
    load: BatchLoader<unknown, unknown>,
    found: Map<string, Landed>,
  ): Promise<void> {
    const { units, clock, counters, limits, plans } = this.#room
    const { frame: parent, wishes } = request
    counters.bypasses += apart.length
    const keys = apart.map(({ key }) => key)
    const from = this.#reader.bypassSource(request)
    const alone = new LoneLoad(keys.join(', '), (signal) => {
      const loadAll = () =>
        units.run({ kind: 'load', keys, parent, uncached: isUncached(wishes, parent) }, () =>
          callBatch(apart, load, from, () => signal),
        )
      if (parent !== undefined) return loadAll()
      return limits.run(
        keys.map((key) => plans.of(key).family?.name),
        loadAll,
      )
    })
    const values = await waitFor(alone, wishes, clock, () => undefined)
    for (const [at, key] of keys.entries()) found.set(key, unkept(values[at], clock.monotonic()))
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
