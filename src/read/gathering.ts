import type { CancelTimer, Clock } from '../core/clock.ts'
import type { Flight } from '../loading/flight.ts'
import type { Batched, BatchItem } from './batch-loader.ts'
import { allGivenUp, callBatch } from './call-batch.ts'
import type { Fetch, LoadAll } from './fetch.ts'
import { graceOf, type ReadRequest } from './request.ts'

/** A read that leads its key's load. */
interface Gathered {
  readonly flight: Flight
  readonly request: ReadRequest
  /** What the loader is asked for it. */
  readonly item: BatchItem
}

/** Reads that are waiting for others with the same loader. */
interface Window {
  readonly reads: Gathered[]
  readonly cancel: CancelTimer
}

/** Gathers single reads into batches, by their loader. A read is bound by what happens from its beginning on, as any other. */
export class Gathering {
  readonly #clock: Clock
  readonly #fetch: Fetch
  readonly #windows = new Map<Batched, Window>()

  constructor(clock: Clock, fetch: Fetch) {
    this.#clock = clock
    this.#fetch = fetch
  }

  add(read: Gathered, batched: Batched): void {
    const window = this.#windows.get(batched) ?? this.#open(batched)
    window.reads.push(read)
    if (window.reads.length >= batched.max) this.#close(batched, window)
  }

  #open(batched: Batched): Window {
    const close = () => this.#close(batched, window)
    const window: Window = {
      reads: [],
      cancel: batched.windowMs > 0 ? this.#clock.after(batched.windowMs, close, true) : soon(close),
    }
    this.#windows.set(batched, window)
    return window
  }

  #close(batched: Batched, window: Window): void {
    if (this.#windows.get(batched) !== window) return
    this.#windows.delete(batched)
    window.cancel()
    const wanted = window.reads.filter(({ flight }) => {
      if (flight.aborted) this.#fetch.abandon(flight)
      return !flight.aborted
    })
    const reads = new Map(wanted.map((read) => [read.flight, read]))
    void this.#fetch.run([...reads.keys()], undefined, loadAll(reads, batched))
  }
}

function loadAll(reads: ReadonlyMap<Flight, Gathered>, { load }: Batched): LoadAll {
  return async (flights, from) => {
    const asked = flights.map((flight) => {
      const { item } = reads.get(flight) as Gathered
      return { key: item.key, as: item }
    })
    const values = await callBatch(asked, load, from, () => allGivenUp(flights), 'batchLoader')
    return flights.map((flight, at) => {
      const { wishes } = (reads.get(flight) as Gathered).request
      return { value: values[at], ttl: wishes.ttl, graceMs: graceOf(wishes), skip: false }
    })
  }
}

/** After everything that is about to run has run: reads made one promise later belong together still. */
function soon(run: () => void): CancelTimer {
  let cancelled = false
  void Promise.resolve().then(() =>
    process.nextTick(() => {
      if (!cancelled) run()
    }),
  )
  return () => {
    cancelled = true
  }
}
