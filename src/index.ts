export type { AnyTransaction, Bind, BindFunction, Bindings } from './core/binding.ts'
export type { Cache, CacheReader, CloseReport, ScopedCache, ScopeOptions, Session } from './core/cache.ts'
export type { CacheOptions, Isolation, MemoryOptions } from './core/cache-options.ts'
export type {
  InvalidateRequest,
  InvalidateRequests,
  Operation,
  Row,
  RowChange,
  TableChange,
  WrittenRows,
} from './core/change.ts'
export type { CancelTimer, Clock } from './core/clock.ts'
export type { Codec, CodecContext } from './core/codec.ts'
export type { ChangeEvent, Consumed, Consumer, Parked } from './core/consumer.ts'
export {
  type Dependencies,
  type DependencyDefinition,
  defineDependencies,
  type Invalidated,
  type TableDefinition,
} from './core/dependencies.ts'
export { digest } from './core/digest.ts'
export { type Duration, type DurationUnit, milliseconds } from './core/duration.ts'
export type { Parameter } from './core/encoding.ts'
export { CacheError, type ErrorCode, isCacheError } from './core/errors.ts'
export type {
  CacheEvents,
  Cause,
  EventName,
  Logger,
  LogLevel,
  MissReason,
  RefusalReason,
} from './core/events.ts'
export type { ExplainedPolicy, Explanation } from './core/explanation.ts'
export type { Health, HealthPart } from './core/health.ts'
export {
  type AnyFamily,
  type Coherence,
  defineKeys,
  type Families,
  type FamilyDefinition,
  type Key,
  type KeyFamily,
  type KeyOf,
  type Loaded,
  type ParametersOf,
  type ParamsOf,
} from './core/key.ts'
export type { LifetimeContext, LifetimePolicy, Ttl } from './core/lifetime.ts'
export type {
  BatchContext,
  BatchLoader,
  BatchLoaderOf,
  BatchResult,
  CheckedWrap,
  Entry,
  Freshness,
  Loader,
  LoaderContext,
  LoaderOf,
  Mark,
  ReadOptions,
  WrapConfig,
  WrappedMethod,
} from './core/loader.ts'
export type {
  BreakerOptions,
  PolicyOptions,
  RefreshAheadOptions,
  TimeoutOptions,
} from './core/policy.ts'
export type { Randomness } from './core/random.ts'
export type { Reads, TableRead } from './core/reads.ts'
export type { Receipt, ReceiptStatus } from './core/receipt.ts'
export { type StandardSchema, type TypeOnly, type } from './core/standard-schema.ts'
export type { CacheStats } from './core/stats.ts'
export type { Store, StoreDriver } from './core/store.ts'
export type { Savepoint, UnitOfWork } from './core/unit.ts'
export { createCache } from './create-cache.ts'
export type {
  BoundDatabase,
  DatabaseAdapter,
  Door,
  IsolationLevel,
  TransactionControls,
  TransactionHandle,
  TransactionOptions,
  UnitSource,
  Work,
} from './databases/adapter.ts'
export { type Binder, defineDatabase } from './databases/define-database.ts'
export { type ByAgeOptions, byAge } from './lifetimes/by-age.ts'
export { localDate } from './lifetimes/calendar.ts'
export { type TtlTiers, ttlTiers } from './lifetimes/tiers.ts'
export { type BatchItem, type BatchLoaderOptions, batchLoader } from './read/batch-loader.ts'
