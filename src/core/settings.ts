import type { CacheOptions, Isolation } from './cache-options.ts'
import { systemClock } from './clock.ts'
import { checkCodec } from './codec.ts'
import { noDependencies } from './dependencies.ts'
import { milliseconds } from './duration.ts'
import { CacheError, show } from './errors.ts'
import { LOG_LEVELS } from './events.ts'
import { checkChoice, checkCount, checkName, checkOptions, readLoads } from './options.ts'
import { POLICY_OPTIONS, readPolicy } from './policy.ts'
import { systemRandomness } from './random.ts'

const OPTIONS = [
  'name',
  'namespace',
  'instance',
  'keys',
  'dependencies',
  'memory',
  'store',
  'codec',
  'maxEntryBytes',
  'consistency',
  'onStoreUnavailable',
  'softLockLifetime',
  'replicaLag',
  'failoverWindow',
  'onStoreRestart',
  'maxStaleness',
  ...POLICY_OPTIONS,
  'unknownTables',
  'coherence',
  'partitionBy',
  'storeTimeout',
  'loadWait',
  'loads',
  'logger',
  'logLevel',
  'clock',
  'randomness',
]

const DEFAULT_ENTRIES = 10_000
const DEFAULT_SOFT_LOCK_MS = 5_000

/** The memory tier's settings; undefined where it is off. */
export interface MemorySettings {
  readonly maxEntries: number | undefined
  readonly maxBytes: number | undefined
  readonly maxEntryBytes: number | undefined
  readonly perTenant: number | undefined
  readonly isolate: Isolation
}

/** A cache's options with every default in place and every duration in milliseconds. */
export type Settings = ReturnType<typeof readSettings>

/** @throws CacheError `INVALID_OPTION` or `INVALID_DURATION`, naming the option. */
export function readSettings(options: CacheOptions) {
  checkOptions(options, OPTIONS, 'createCache')
  if (options === undefined)
    throw new CacheError('INVALID_OPTION', "createCache: pass options, at least { name: 'finance' }.")
  const name = checkName(options.name, 'createCache: name')
  const maxStalenessMs = milliseconds(options.maxStaleness ?? '1s', 'createCache: maxStaleness')
  if (maxStalenessMs < 50) {
    throw new CacheError(
      'INVALID_DURATION',
      `createCache: maxStaleness: ${show(options.maxStaleness)} is too short to be kept; at least 50 ms.`,
    )
  }
  if (options.dependencies !== undefined && !(options.dependencies?.tables instanceof Map)) {
    throw new CacheError(
      'INVALID_OPTION',
      'createCache: dependencies: pass what defineDependencies returned.',
    )
  }
  const { store } = options
  if (
    store !== undefined &&
    (typeof store !== 'object' || store === null || typeof store.connect !== 'function')
  ) {
    throw new CacheError(
      'INVALID_OPTION',
      `createCache: store: ${show(store)} is no store. Pass redisStore({ client }), or leave it out for memory alone.`,
    )
  }
  checkLogger(options.logger)
  if (options.keys !== undefined && (typeof options.keys !== 'object' || options.keys === null)) {
    throw new CacheError('INVALID_OPTION', 'createCache: keys: pass what defineKeys returned.')
  }
  return {
    name,
    namespace:
      options.namespace === undefined ? name : checkName(options.namespace, 'createCache: namespace'),
    instance:
      options.instance === undefined ? undefined : checkName(options.instance, 'createCache: instance'),
    keys: options.keys ?? {},
    dependencies: options.dependencies ?? noDependencies(),
    memory: readMemory(options),
    store,
    maxEntryBytes:
      options.maxEntryBytes === undefined
        ? undefined
        : checkCount(options.maxEntryBytes, 1, 'createCache: maxEntryBytes'),
    codec: options.codec === undefined ? undefined : checkCodec(options.codec, 'createCache: codec'),
    consistency: checkChoice(
      options.consistency ?? 'bounded',
      ['bounded', 'committed', 'strict'],
      'createCache: consistency',
    ),
    onStoreUnavailable: checkChoice(
      options.onStoreUnavailable ?? 'abort',
      ['abort', 'proceed'],
      'createCache: onStoreUnavailable',
    ),
    replicaLagMs: milliseconds(options.replicaLag ?? 0, 'createCache: replicaLag'),
    failoverWindowMs: milliseconds(options.failoverWindow ?? '60s', 'createCache: failoverWindow'),
    onStoreRestart: checkChoice(
      options.onStoreRestart ?? 'distrust',
      ['distrust', 'trust'],
      'createCache: onStoreRestart',
    ),
    softLockMs: readSoftLock(options.softLockLifetime, maxStalenessMs),
    maxStalenessMs,
    policy: readPolicy(options, 'createCache: '),
    unknownTables: checkChoice(
      options.unknownTables ?? 'event',
      ['event', 'error'],
      'createCache: unknownTables',
    ),
    coherence: checkChoice(options.coherence ?? 'on', ['on', 'off'], 'createCache: coherence'),
    partitionBy:
      options.partitionBy === undefined
        ? undefined
        : checkName(options.partitionBy, 'createCache: partitionBy'),
    storeTimeoutMs: milliseconds(options.storeTimeout ?? '200ms', 'createCache: storeTimeout'),
    loadWaitMs: milliseconds(options.loadWait ?? '5s', 'createCache: loadWait'),
    loads: readLoads(options.loads, 'createCache: loads'),
    logger: options.logger,
    logLevel: checkChoice(options.logLevel ?? 'debug', LOG_LEVELS, 'createCache: logLevel'),
    clock: options.clock ?? systemClock,
    randomness: options.randomness ?? systemRandomness(),
  }
}

function readSoftLock(lifetime: CacheOptions['softLockLifetime'], maxStalenessMs: number): number {
  // Half of it must outlast the wait for processes that do not answer, and a renewal a third of it.
  const least = Math.max(300, 2.5 * maxStalenessMs)
  if (lifetime === undefined) return Math.max(DEFAULT_SOFT_LOCK_MS, least)
  const ms = milliseconds(lifetime, 'createCache: softLockLifetime')
  if (ms >= least) return ms
  throw new CacheError(
    'INVALID_DURATION',
    `createCache: softLockLifetime: ${show(lifetime)} is too short; at least ${least} ms, two and a half times maxStaleness.`,
  )
}

function checkLogger(logger: CacheOptions['logger']): void {
  if (logger === undefined) return
  if (typeof logger !== 'object' || logger === null) {
    throw new CacheError(
      'INVALID_OPTION',
      'createCache: logger: pass an object with debug, info, warn and error, such as console.',
    )
  }
  const missing = LOG_LEVELS.filter((level) => typeof logger[level] !== 'function')
  if (missing.length === 0) return
  throw new CacheError(
    'INVALID_OPTION',
    `createCache: logger: it has no method ${missing.join(', ')}. Pass one with debug, info, warn and error, such as console; logLevel says from which level on it is told.`,
  )
}

function readMemory({ memory, partitionBy }: CacheOptions): MemorySettings | undefined {
  if (memory === false) return undefined
  checkOptions(
    memory,
    ['maxEntries', 'maxBytes', 'maxEntryBytes', 'perTenant', 'isolate'],
    'createCache: memory',
  )
  const { maxEntries, maxBytes, maxEntryBytes, perTenant, isolate = 'freeze' } = memory ?? {}
  if (perTenant !== undefined && partitionBy === undefined) {
    throw new CacheError(
      'INVALID_OPTION',
      "createCache: memory.perTenant: say which parameter names the tenant, such as partitionBy: 'orgId'.",
    )
  }
  const limited = maxEntries !== undefined || maxBytes !== undefined
  return {
    maxEntries: limited ? count(maxEntries, 'maxEntries') : DEFAULT_ENTRIES,
    maxBytes: count(maxBytes, 'maxBytes'),
    maxEntryBytes: count(maxEntryBytes, 'maxEntryBytes'),
    perTenant: count(perTenant, 'perTenant'),
    isolate: checkChoice(isolate, ['freeze', 'clone', 'none'], 'createCache: memory.isolate'),
  }
}

function count(value: number | undefined, name: string): number | undefined {
  return value === undefined ? undefined : checkCount(value, 1, `createCache: memory.${name}`)
}
