import type { Clock } from '../core/clock.ts'
import type { Store } from '../core/store.ts'
import { within } from '../core/within.ts'

/**
 * A store of which no call takes longer than `timeoutMs`. Left as they are: `open`, whose time is the network's, and
 * `sweep`, whose time grows with the keys and whose every step the store bounds itself.
 */
export function boundedStore(store: Store, clock: Clock, timeoutMs: number): Store {
  const bounded = <T>(step: () => Promise<T>): Promise<T> => within(clock, timeoutMs, step)
  return {
    open: () => store.open(),
    partition: (place) => store.partition(place),
    values: (keys) => bounded(() => store.values(keys)),
    read: (items) => bounded(() => store.read(items)),
    fill: (request) => bounded(() => store.fill(request)),
    renew: (place, nonce, ttlMs) => bounded(() => store.renew(place, nonce, ttlMs)),
    release: (place, nonce) => bounded(() => store.release(place, nonce)),
    rotate: (request) => bounded(() => store.rotate(request)),
    lock: (request) => bounded(() => store.lock(request)),
    sweep: (patterns, cause, heard) => store.sweep(patterns, cause, heard),
    heartbeat: () => bounded(() => store.heartbeat()),
    skeleton: (digest) => bounded(() => store.skeleton(digest)),
    reconnect: (what) => store.reconnect(what),
    close: () => store.close(),
  }
}
