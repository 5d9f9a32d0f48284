import { jsonCodec } from './codecs/json.ts'
import { Causes } from './coherence/causes.ts'
import { explain } from './coherence/explain.ts'
import { MemoryLease } from './coherence/lease.ts'
import { MemoryTier } from './coherence/memory-tier.ts'
import { Plans } from './coherence/plans.ts'
import { StampTable } from './coherence/stamp-table.ts'
import { Subscription } from './coherence/subscription.ts'
import { UnitContext } from './coherence/unit-context.ts'
import type { Cache } from './core/cache.ts'
import type { CacheOptions } from './core/cache-options.ts'
import { Counters } from './core/counters.ts'
import { DependencyMap } from './core/dependency-map.ts'
import { CacheError, show } from './core/errors.ts'
import { Emitter } from './core/events.ts'
import { FamilyIndex } from './core/family-index.ts'
import { claimName } from './core/open-caches.ts'
import { readSettings, type Settings } from './core/settings.ts'
import { Lifetimes } from './lifetimes/lifetimes.ts'
import { Flights } from './loading/flight.ts'
import { logEvents } from './observe/log-events.ts'
import { OpenCache } from './open-cache.ts'
import { BatchReader } from './read/batch.ts'
import { ManualFill } from './read/manual-fill.ts'
import { Reader } from './read/reader.ts'
import type { ReadRoom } from './read/room.ts'
import { localStore } from './stores/local.ts'
import { Committer } from './write/committer.ts'
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
  checkSupported(settings)
  const families = new FamilyIndex(settings.keys)
  const map = new DependencyMap(settings.dependencies, families)
  checkPartition(settings, families)
  const release = claimName(settings.name, settings.instance)
  return assemble(settings, map, release) as unknown as Cache<Tables, Scopes>
}

/** Puts the rooms together. */
function assemble(settings: Settings, map: DependencyMap, release: () => void): OpenCache {
  const { clock, randomness, name, namespace, instance } = settings
  const process = `${name}${instance === undefined ? '' : `#${instance}`}@${randomness.token()}`
  const events = new Emitter()
  const counters = new Counters()
  const stamps = new StampTable()
  const memory = settings.memory && new MemoryTier(settings.memory, stamps)
  const lease = new MemoryLease()
  const causes = new Causes()
  const units = new UnitContext()
  const plans = new Plans(map, settings.coherence)
  const lifetimes = new Lifetimes({ ttl: settings.ttl, negativeTtl: settings.negativeTtl })
  const flights = new Flights()
  const subscription = new Subscription({ clock, stamps, memory, lease, causes, events })
  const driver = settings.store ?? localStore
  const store = driver.connect({ name, namespace, process, clock, randomness, listener: subscription })
  let closed = false
  const shared = {
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
    ...shared,
    plans,
    lifetimes,
    lease,
    flights,
    shared: driver.holdsValues,
    codec: jsonCodec,
    isolation: settings.memory?.isolate ?? 'freeze',
    measured: settings.memory?.maxBytes !== undefined,
    maxStalenessMs: settings.maxStalenessMs,
    loadWaitMs: settings.loadWaitMs,
  }
  const writeRoom: WriteRoom = {
    ...shared,
    map,
    causes,
    process,
    locks: settings.consistency !== 'bounded',
    unknownTables: settings.unknownTables,
  }
  if (settings.logger !== undefined) {
    logEvents(events, settings.logger, (key) => {
      const { family, params } = plans.of(key)
      return { cache: name, key, family: family?.name, ...params }
    })
  }
  if (memory !== undefined) {
    memory.onEvicted = (key) => {
      if (events.has('evicted')) events.emit('evicted', { key })
    }
  }
  const reader = new Reader(readRoom)
  return new OpenCache({
    name,
    namespace,
    storeKind: driver.kind,
    readRoom,
    writeRoom,
    reader,
    batches: new BatchReader(readRoom, reader),
    fills: new ManualFill(readRoom, reader.fetch),
    committer: new Committer(writeRoom),
    families: new Set(map.families()),
    explain: (key) =>
      explain({ clock, map, plans, memory, causes }, key, (plan) => lifetimes.policy(plan).description),
    close: () => {
      closed = true
      release()
    },
  })
}

function checkSupported({ consistency, store }: Settings): void {
  if (consistency === 'bounded' || store === undefined) return
  throw new CacheError(
    'UNSUPPORTED',
    `createCache: consistency ${show(consistency)} over a shared store is not built yet. Use 'bounded', whose promise docs/guarantees.md states.`,
  )
}

function checkPartition({ partitionBy }: Settings, families: FamilyIndex): void {
  if (partitionBy === undefined || families.all().length === 0) return
  if (families.all().some(({ template }) => template.parameters.includes(partitionBy))) return
  throw new CacheError(
    'INVALID_OPTION',
    `createCache: partitionBy: no key family has a parameter ${show(partitionBy)}.`,
  )
}
