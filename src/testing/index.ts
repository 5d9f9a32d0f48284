export { type MemoryStore, type MemoryStoreOptions, memoryStore } from '../stores/memory.ts'
export type {
  BoundUnderTest,
  DatabaseUnderTest,
  NetworkUnderTest,
  TransactionChoices,
  TransactionUnderTest,
  Unsupported,
} from './conformance/databases/database-under-test.ts'
export type { StoreUnderTest } from './conformance/store-under-test.ts'
export {
  conformanceTables,
  type DatabaseCase,
  databaseCases,
  databaseConformance,
  type UnsupportedCases,
} from './database-conformance.ts'
export { type ManualClock, manualClock, settle } from './manual-clock.ts'
export { type ConformanceCase, storeConformance } from './store-conformance.ts'
