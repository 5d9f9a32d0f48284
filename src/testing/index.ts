export { type MemoryStore, type MemoryStoreOptions, memoryStore } from '../stores/memory.ts'
export { type ManualClock, manualClock, settle } from './manual-clock.ts'
