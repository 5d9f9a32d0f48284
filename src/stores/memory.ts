import { type Clock, systemClock } from '../core/clock.ts'
import { type Randomness, systemRandomness } from '../core/random.ts'
import type { StampName } from '../core/stamp.ts'
import type { StoreDriver } from '../core/store.ts'
import { MemoryServer } from './memory-server.ts'
import { MemoryStoreSession, type Schedule } from './memory-session.ts'

/** What may be replaced in a {@link memoryStore}. */
export interface MemoryStoreOptions {
  readonly clock?: Clock
  readonly randomness?: Randomness
  /**
   * Runs a step some time later: the store's steps, answers and messages go through it, so that a test can order them.
   * `process` is who asked, or whom a message is for; what is scheduled for one process as messages must stay in order.
   *
   * @default in a microtask
   */
  readonly schedule?: Schedule
}

/** A shared tier inside one process: give the same one to several caches and they are a fleet. */
export interface MemoryStore extends StoreDriver {
  /** Loses everything and starts again under a new epoch, as FLUSHALL or a restart without data does. */
  flush(): void
  /** Loses one stamp, as an eviction does: not one under a soft lock, which has no expiry. */
  evictStamp(namespace: string, name: StampName): void
  /** Loses the value or the fill claim of one key of an application, as an eviction does. */
  evictKey(namespace: string, name: string, key: string, what: 'value' | 'claim'): void
  /**
   * Remembers what the store holds now, as a replica does that falls behind.
   *
   * @returns what promotes that replica: the store goes on with what was remembered, under a new epoch.
   */
  replica(): () => void
  /**
   * Promotes a replica while the old primary goes on, as a failover behind a cut network does: from now on there are two
   * stores that know nothing of each other.
   *
   * @returns what moves the processes it is given to the new one: their connections are lost and made anew.
   */
  split(): (moves: (process: string) => boolean) => void
}

/**
 * A store that behaves like the Redis one, message for message, within one process and without durability. For tests,
 * demonstrations and the schedule explorer; a fleet of processes needs `redisStore`.
 *
 * @example
 * ```ts
 * import { createCache } from 'coherent-cache'
 * import { memoryStore } from 'coherent-cache/testing'
 *
 * const store = memoryStore()
 * const one = createCache({ name: 'shop', instance: 'one', store })
 * const other = createCache({ name: 'shop', instance: 'other', store })
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const clock = options.clock ?? systemClock
  const randomness = options.randomness ?? systemRandomness()
  const schedule = options.schedule ?? ((step: () => void) => queueMicrotask(step))
  const sessions = new Set<MemoryStoreSession>()
  let server = new MemoryServer(clock, randomness)
  return {
    kind: 'memory',
    holdsValues: true,
    connect(session) {
      return new MemoryStoreSession(session, server, schedule, sessions)
    },
    flush() {
      server.reset()
    },
    evictStamp(namespace, name) {
      server.namespace(namespace).evict(name)
    },
    evictKey(namespace, name, key, what) {
      server.application(namespace, name).evict(key, what)
    },
    replica() {
      const promote = server.replica()
      return () => promote(server)
    },
    split() {
      const promoted = new MemoryServer(clock, randomness)
      server.replica()(promoted)
      server = promoted
      return (moves) => {
        for (const session of sessions) if (moves(session.process)) session.moveTo(promoted)
      }
    },
  }
}
