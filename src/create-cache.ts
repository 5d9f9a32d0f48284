import { jsonCodec } from './codecs/json.ts'
import { Causes } from './coherence/causes.ts'
import { explain } from './coherence/explain.ts'
import { Heartbeat } from './coherence/heartbeat.ts'
import { Inspection } from './coherence/inspection.ts'
import { MemoryLease } from './coherence/lease.ts'
import { MemoryTier } from './coherence/memory-tier.ts'
import { Plans } from './coherence/plans.ts'
import { StampTable } from './coherence/stamp-table.ts'
import { StoreGate } from './coherence/store-gate.ts'
import { Subscription } from './coherence/subscription.ts'
import { UnitContext } from './coherence/unit-context.ts'
import type { Cache } from './core/cache.ts'
import type { CacheOptions } from './core/cache-options.ts'
import { NO_CHANGE } from './core/change.ts'
import { Counters } from './core/counters.ts'
import { DependencyMap } from './core/dependency-map.ts'
import { CacheError, show } from './core/errors.ts'
import { Emitter } from './core/events.ts'
import { FamilyIndex } from './core/family-index.ts'
import { checkMap } from './core/map-check.ts'
import { claimName } from './core/open-caches.ts'
import { readSettings, type Settings } from './core/settings.ts'
import { type Store, type StoreSession, TRUSTS_RESTARTS } from './core/store.ts'
import { Lifetimes } from './lifetimes/lifetimes.ts'
import { describeRules } from './lifetimes/rules.ts'
import { Breaker } from './loading/breaker.ts'
import { Flights } from './loading/flight.ts'
import { type LoadLimit, LoadLimits } from './loading/load-limits.ts'
import { LoadTimes } from './loading/load-times.ts'
import { logEvents } from './observe/log-events.ts'
import { warnOfUnheard } from './observe/unheard-events.ts'
import { OpenCache } from './open-cache.ts'
import { BatchReader } from './read/batch.ts'
import { ManualFill } from './read/manual-fill.ts'
import { Reader } from './read/reader.ts'
import type { ReadRoom } from './read/room.ts'
import { localStore } from './stores/local.ts'
import { Committer } from './write/committer.ts'
import { ForeignMaps } from './write/foreign-maps.ts'
import { OpenUnits } from './write/open-units.ts'
import { RecentChanges } from './write/recent-changes.ts'
import { ReplayQueue } from './write/replay-queue.ts'
import type { WriteRoom } from './write/room.ts'

/**
 * Creates a cache. It can be read from at once; until its store is connected, reads are answered by their loaders
 * (`ready()` waits for that).
 *
 * @throws CacheError at once for anything it cannot work with: `INVALID_OPTION` (an unknown option's name included),
 *   `INVALID_DURATION`, `INVALID_PATTERN` (a key family that a pattern matches in too many ways), `DUPLICATE_CACHE`,
 *   `UNSUPPORTED`. Nothing stays open then.
 *
 * @example
 * ```ts
 * import { createCache, defineDependencies, defineKeys, type } from 'coherent-cache'
 *
 * const keys = defineKeys({ report: { key: 'report:{orgId}:{date}', value: type<{ revenue: number }>() } })
 * const dependencies = defineDependencies({ tables: { revenues: ['report:{orgId}:*'] } })
 * const cache = createCache({ name: 'finance', keys, dependencies })
 *
 * const key = keys.report({ orgId: 7, date: '2026-11-20' })
 * const before = await cache.get(key, async () => ({ revenue: 100 }))
 * await cache.invalidate({ table: 'revenues', rows: [{ org_id: 7 }], operation: 'insert' })
 * const after = await cache.get(key, async () => ({ revenue: 150 })) // loaded anew
 * ```
 */
export function createCache<const Tables extends string = string, const Scopes extends string = string>(
  options: CacheOptions<Tables, Scopes>,
): Cache<Tables, Scopes> {
  const settings = readSettings(options)
  const families = new FamilyIndex(settings.keys)
  const map = new DependencyMap(settings.dependencies, families, {
    partitionBy: settings.partitionBy,
    ownStamps: settings.consistency !== 'bounded' || settings.replicaLagMs > 0,
  })
  checkPartition(settings, families)
  const release = claimName(settings.name, settings.instance)
  try {
    return assemble(settings, map, families, release) as unknown as Cache<Tables, Scopes>
  } catch (error) {
    release()
    throw error
  }
}

/** Puts the rooms together. */
function assemble(
  settings: Settings,
  map: DependencyMap,
  families: FamilyIndex,
  release: () => void,
): OpenCache {
  const { clock, randomness, name, namespace, instance, maxStalenessMs } = settings
  const process = `${name}${instance === undefined ? '' : `#${instance}`}@${randomness.token()}`
  const driver = settings.store ?? localStore
  const shared = driver.holdsValues
  const registration = map.registration()
  const events = new Emitter()
  const counters = new Counters()
  const stamps = new StampTable()
  const limits = settings.memory && { ...settings.memory, families: roomsOf(families) }
  const memory: MemoryTier | undefined =
    limits &&
    new MemoryTier(limits, stamps, clock, (key) => {
      const { family, params } = plans.of(key)
      const tenant = settings.partitionBy === undefined ? undefined : params[settings.partitionBy]
      return { family: family?.maxEntries === undefined ? undefined : family.name, tenant }
    })
  const lease = new MemoryLease()
  const causes = new Causes()
  const units = new UnitContext()
  const plans = new Plans({
    map,
    coherence: settings.coherence,
    registration: shared ? registration.stamp : undefined,
    // Whose a key is is asked at every read through a tenant's view: where there are tenants, all plans are kept.
    held: (key) => (settings.partitionBy === undefined ? memory?.look(key) : undefined),
  })
  const lifetimes = new Lifetimes({ declared: settings.policy, randomness })
  const queue = new ReplayQueue()
  const recent = new RecentChanges(clock, shared ? settings.failoverWindowMs : 0)
  const subscription = new Subscription({
    clock,
    stamps,
    memory,
    lease,
    causes,
    events,
    registration: registration.stamp,
    local: !shared,
    onConnected: () => {
      if (recent.any) void heartbeat.wake()
    },
  })
  const session: StoreSession = {
    name,
    namespace,
    process,
    map: registration,
    maxStalenessMs,
    lockMs: settings.consistency === 'bounded' ? 0 : settings.softLockMs,
    replicaLagMs: settings.replicaLagMs,
    timeoutMs: settings.storeTimeoutMs,
    settings: sharedSettings(settings),
    clock,
    randomness,
    listener: subscription,
  }
  const behind = driver.connect(session)
  const gate: StoreGate | undefined = shared
    ? new StoreGate(behind, {
        clock,
        events,
        timeoutMs: settings.storeTimeoutMs,
        onAway: (reason) => subscription.distrust(reason),
        onUp: () => {
          void inspection.lookAgain()
          return heartbeat.wake()
        },
        replay: (away) => committer.replay(away),
        onNewEpoch: () => committer.recall(),
      })
    : undefined
  const store: Store = gate ?? behind
  const inspection = new Inspection(store, { clock, events }, warningsOfSettings(settings))
  inspection.add(checkMap(settings.dependencies, families.all()))
  const heartbeat = new Heartbeat({
    clock,
    lease,
    subscription,
    store,
    maxStalenessMs,
    onBeat: () => void inspection.look(),
  })
  if (shared) lease.onWanted = () => void heartbeat.wake()
  let closed = false
  const common = {
    clock,
    randomness,
    events,
    counters,
    stamps,
    memory,
    subscription,
    units,
    store,
    closed: () => closed,
  }
  const readRoom: ReadRoom = {
    ...common,
    plans,
    lifetimes,
    lease,
    flights: new Flights(),
    limits: new LoadLimits(settings.loads, limitsOf(families)),
    breaker: new Breaker(),
    loadTimes: new LoadTimes(),
    shared,
    name,
    codec: settings.codec ?? jsonCodec,
    isolation: settings.memory?.isolate ?? 'freeze',
    measured: settings.memory?.maxBytes !== undefined,
    largestInMemory: Math.min(
      settings.memory?.maxEntryBytes ?? Number.POSITIVE_INFINITY,
      settings.memory?.maxBytes ?? Number.POSITIVE_INFINITY,
    ),
    maxEntryBytes: settings.maxEntryBytes ?? Number.POSITIVE_INFINITY,
    strict: settings.consistency === 'strict',
    maxStalenessMs,
    replicaLagMs: settings.replicaLagMs,
    loadWaitMs: settings.loadWaitMs,
    discard: (keys) => committer.apply({ ...NO_CHANGE, keys }),
  }
  const writeRoom: WriteRoom = {
    ...common,
    map,
    causes,
    openUnits: new OpenUnits(),
    process,
    queue,
    recent,
    foreign: new ForeignMaps(registration.digest),
    sweepsAll: () => plans.anyOff(),
    distrustStore: (error) => gate?.distrust(error),
    locks: settings.consistency !== 'bounded',
    replicas: settings.replicaLagMs > 0,
    strict: settings.consistency === 'strict',
    softLockMs: settings.softLockMs,
    onStoreUnavailable: settings.onStoreUnavailable,
    unknownTables: settings.unknownTables,
  }
  const committer = new Committer(writeRoom)
  if (settings.logger === undefined) {
    warnOfUnheard(
      events,
      name,
      settings.dependencies.tables.size > 0 ? (table) => map.near(table) : undefined,
    )
  } else {
    logEvents(events, settings.logger, {
      cache: name,
      level: settings.logLevel,
      describe: (key) => {
        const { family, params } = plans.of(key)
        return { key, family: family?.name, ...params }
      },
    })
  }
  if (memory !== undefined) {
    memory.onGone = (key, entry, evicted) => {
      plans.gone(key, entry)
      if (evicted && events.has('evicted')) events.emit('evicted', { key })
    }
  }
  const reader = new Reader(readRoom)
  return new OpenCache({
    name,
    namespace,
    storeKind: driver.kind,
    gate,
    readRoom,
    writeRoom,
    reader,
    batches: new BatchReader(readRoom, reader),
    fills: new ManualFill(readRoom, reader.fetch),
    committer,
    inspection,
    families: new Set(map.families().map((family) => family.name)),
    ground: {
      partitionBy: settings.partitionBy,
      families: families.all(),
      // Where coherence is off, keys hang on no scope.
      wholesale: () => map.hasScope(settings.partitionBy ?? '') && !plans.anyOff(),
      planOf: (key) => plans.of(key),
    },
    explain: (key) =>
      explain({ clock, map, plans, memory, lease, causes, store: gate }, key, ({ family }) =>
        describeRules(lifetimes.rules(family)),
      ),
    close: () => {
      closed = true
      heartbeat.close()
      release()
    },
  })
}

/** What every process of a namespace must agree on, as people read it. */
function sharedSettings(settings: Settings): string {
  const { consistency, maxStalenessMs, softLockMs, replicaLagMs, onStoreRestart, partitionBy } = settings
  const locks = consistency === 'bounded' ? '' : `, softLockLifetime ${softLockMs} ms`
  const lag = replicaLagMs === 0 ? '' : `, replicaLag ${replicaLagMs} ms`
  const restart = onStoreRestart === 'trust' ? `, ${TRUSTS_RESTARTS}` : ''
  // Where a key lies: who looks elsewhere would not void the copy that others read.
  const place = partitionBy === undefined ? '' : `, partitionBy ${show(partitionBy)}`
  return `consistency '${consistency}', maxStaleness ${maxStalenessMs} ms${locks}${lag}${restart}${place}, format 1`
}

/** The families that have a room of their own in memory. */
function roomsOf(families: FamilyIndex): Map<string, number> {
  return new Map(
    families.all().flatMap(({ name, maxEntries }) => (maxEntries === undefined ? [] : [[name, maxEntries]])),
  )
}

/** The limits of those families that have one. */
function limitsOf(families: FamilyIndex): Map<string, LoadLimit> {
  return new Map(families.all().flatMap(({ name, loads }) => (loads === undefined ? [] : [[name, loads]])))
}

/** What the settings themselves give up. */
function warningsOfSettings({ store, onStoreRestart }: Settings): readonly string[] {
  if (store === undefined || onStoreRestart === 'distrust') return []
  return [
    "onStoreRestart is 'trust': what a restarted or failed-over store has forgotten may bring old values back until their lifetime ends.",
  ]
}

function checkPartition({ partitionBy }: Settings, families: FamilyIndex): void {
  if (partitionBy === undefined || families.all().length === 0) return
  if (families.all().some(({ template }) => template.parameters.includes(partitionBy))) return
  throw new CacheError(
    'INVALID_OPTION',
    `createCache: partitionBy: no key family has a parameter ${show(partitionBy)}.`,
  )
}
