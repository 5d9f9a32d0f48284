export { type MemoryStore, type MemoryStoreOptions, memoryStore } from '../stores/memory.ts'
export type { StoreUnderTest } from './conformance/store-under-test.ts'
export { type ManualClock, manualClock, settle } from './manual-clock.ts'
export { type ConformanceCase, storeConformance } from './store-conformance.ts'
