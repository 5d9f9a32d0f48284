export { type MemoryStore, type MemoryStoreOptions, memoryStore } from '../stores/memory.ts'
export { type ManualClock, manualClock, settle } from './manual-clock.ts'
export { type ConformanceCase, type StoreUnderTest, storeConformance } from './store-conformance.ts'
