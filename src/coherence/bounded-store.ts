import type { Clock } from '../core/clock.ts'
import type { ReadItem, Store } from '../core/store.ts'
import { within } from '../core/within.ts'
import { FillLine } from './fill-line.ts'

/** How many names a call may have within the time of one; more of them take more steps. */
const NAMES_PER_CALL = 10_000

function timesFor(names: number): number {
  return Math.max(1, Math.ceil(names / NAMES_PER_CALL))
}

/** Value and claim of each, and its stamps. */
function namesOf(items: readonly ReadItem[]): number {
  let names = 0
  for (const { stamps } of items) names += stamps.length + 2
  return names
}

/**
 * A store of which no call takes longer than `timeoutMs`; only one of tens of thousands of names has more. Left as they
 * are: `open`, whose time is the network's, and `sweep`, whose time grows with the keys and whose every step the
 * store bounds itself.
 */
export function boundedStore(store: Store, clock: Clock, timeoutMs: number): Store {
  const bounded = <T>(step: () => Promise<T>): Promise<T> => within(clock, timeoutMs, step)
  const inProportion = <T>(names: number, step: () => Promise<T>): Promise<T> =>
    within(clock, timeoutMs * timesFor(names), step)
  const fills = new FillLine()
  const { leads } = store
  return {
    open: () => store.open(),
    partitions: store.partitions,
    partition: (place) => store.partition(place),
    values: (keys) => inProportion(keys.length, () => store.values(keys)),
    read: (items) => inProportion(namesOf(items), () => store.read(items)),
    fill: (request) => fills.run((onEnd) => within(clock, timeoutMs, () => store.fill(request), onEnd)),
    prolong: (place, ttlMs) => bounded(() => store.prolong(place, ttlMs)),
    renew: (place, nonce, ttlMs) => bounded(() => store.renew(place, nonce, ttlMs)),
    release: (place, nonce) => bounded(() => store.release(place, nonce)),
    rotate: (request) =>
      inProportion(request.stamps.length + request.keys.length, () => store.rotate(request)),
    lock: (request) => inProportion(request.stamps.length, () => store.lock(request)),
    sweep: (patterns, cause, heard) => store.sweep(patterns, cause, heard),
    heartbeat: () => bounded(() => store.heartbeat()),
    skeleton: (digest) => bounded(() => store.skeleton(digest)),
    leads: leads && {
      lead: (request) => bounded(() => leads.lead(request)),
      records: (title, known) => bounded(() => leads.records(title, known)),
      record: (request) => bounded(() => leads.record(request)),
    },
    inspect: () => bounded(() => store.inspect()),
    reconnect: (what) => store.reconnect(what),
    close: () => store.close(),
  }
}
