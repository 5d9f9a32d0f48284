import { type Cache, createCache } from 'coherent-cache'
import { cacheAside, PlainStore } from './cache-aside.ts'
import { Database } from './database.ts'
import { countingRandomness } from './dice.ts'
import { History, type Moment, type Write } from './history.ts'
import { keysOf, MAX_STALENESS, REPLICA_LAG, type Scenario, SOFT_LOCK } from './scenario.ts'
import { keys, type MapName, maps } from './shop.ts'
import { drained, Steps } from './steps.ts'
import { Time } from './time.ts'
import { Wire } from './wire.ts'

/** A process of the fleet. */
export interface Member {
  readonly name: string
  readonly map: MapName
  readonly cache: Cache<string, string>
  dead: boolean
}

/** Somebody who does one thing after the other. */
export interface Life {
  readonly process: string
  ended: boolean
}

export const NAMESPACE = 'shop'

/** So early that hardly a read of a value that took its time to load is not also its refresh. */
const REFRESHES = {
  refreshAhead: { beta: 100 },
  staleWhileRevalidate: '1h',
  staleIfError: '1h',
  idleTtl: '5s',
} as const

/** Everything that a schedule plays in: the processes, what they share, and what has happened so far. */
export class World {
  readonly scenario: Scenario
  readonly steps = new Steps()
  readonly time = new Time(this.steps)
  readonly database = new Database(this.steps, this.time)
  readonly wire = new Wire(this.steps, this.time)
  readonly history = new History()
  readonly members = new Map<string, Member>()
  readonly lives: Life[] = []
  readonly #plain = new PlainStore(this.steps)
  /** How many steps have been taken. */
  taken = 0
  /** The token of the latest receipt, and what it is of. */
  token: { readonly token: string; readonly write: Write } | undefined

  constructor(scenario: Scenario) {
    this.scenario = scenario
  }

  get moment(): Moment {
    return { step: this.taken, time: this.time.now }
  }

  /** Starts a process of the application. Resolves when its store is up. */
  async start(name: string, map: MapName): Promise<void> {
    const { scenario } = this
    const cache = scenario.plain ? cacheAside(this.#plain, name, keysOf(scenario)) : this.#open(name, map)
    this.members.set(name, { name, map, cache, dead: false })
    cache.on('recovered', () => this.#replayed(name))
    await cache.ready()
  }

  #open(name: string, map: MapName): Cache<string, string> {
    const {
      mode,
      alone = false,
      memory = true,
      room = 8,
      ttl = 600_000,
      refreshes = false,
      replicas = false,
      onStoreUnavailable = 'abort',
    } = this.scenario
    const cache = createCache({
      name: NAMESPACE,
      instance: name,
      ...(alone ? {} : { store: this.wire }),
      keys,
      dependencies: maps[map],
      consistency: mode,
      onStoreUnavailable,
      maxStaleness: MAX_STALENESS,
      softLockLifetime: SOFT_LOCK,
      ...(replicas ? { replicaLag: REPLICA_LAG } : {}),
      memory: memory ? { maxEntries: room } : false,
      ttl,
      // Ends of lifetimes follow from the scenario alone.
      jitter: 0,
      ...(refreshes ? REFRESHES : {}),
      clock: this.time.clockOf(name),
      randomness: countingRandomness(name),
    }) as Cache<string, string>
    // Else the process would be warned of every one.
    cache.on('degraded', () => {})
    return cache
  }

  member(name: string): Member {
    return this.members.get(name) as Member
  }

  alive(): Member[] {
    return [...this.members.values()].filter(({ dead }) => !dead)
  }

  /** A process ends at once, in the middle of whatever it does. */
  crash(name: string, sentArrives: boolean): void {
    this.member(name).dead = true
    this.wire.forget(name, sentArrives)
    this.time.forget(name)
    this.database.forget(name)
    this.steps.dropWhere(({ process, outlives }) => process === name && !outlives)
  }

  /** Begins a life: it comes to nothing when its process ends, and is trouble when it throws. */
  live(process: string, body: () => Promise<void>): Life {
    const life: Life = { process, ended: false }
    this.lives.push(life)
    body()
      .catch((error) => {
        this.history.troubles.push({ at: this.moment, what: `${process}: ${String(error)}` })
      })
      .finally(() => {
        life.ended = true
      })
    return life
  }

  /** Resolves when it is the turn of whoever asks. */
  turn(process: string, text: () => string, chain?: number): Promise<void> {
    return new Promise((resolve) => {
      this.steps.add({
        kind: 'act',
        process,
        ...(chain === undefined ? {} : { chain }),
        text: () => `${process}: ${text()}`,
        run: resolve,
      })
    })
  }

  /** Whether somebody who is still alive has something left to do. */
  get busy(): boolean {
    return this.lives.some(({ ended, process }) => !ended && !this.members.get(process)?.dead)
  }

  /** Takes back what a world holds outside itself. */
  async end(): Promise<void> {
    for (const { cache } of this.members.values()) void cache.close({ timeout: 0 }).catch(() => {})
    await drained()
  }

  /** Whoever is still connected to a primary that was cut off finds the new one. */
  join(): void {
    for (const name of this.wire.isolated) this.move(name)
  }

  /** A process finds the new primary. */
  move(name: string): void {
    this.history.split?.moved.set(name, this.moment)
    this.wire.move(name)
  }

  /** Whoever has used the new primary has told it what the old one had accepted. */
  told(): void {
    for (const { name, cache } of this.alive())
      if (cache.health().store.status === 'connected') this.#told(name)
  }

  #told(process: string): void {
    const { split } = this.history
    if (split?.moved.has(process) && !split.told.has(process)) split.told.set(process, this.moment)
  }

  #replayed(process: string): void {
    this.#told(process)
    for (const write of this.history.writes) {
      if (write.process === process && write.acknowledged !== undefined) write.replayed ??= this.moment
    }
  }
}
