import type { StoreDriver } from 'coherent-cache'
import { memoryStore } from 'coherent-cache/testing'

/** The commands a hand-written cache uses of a shared store. */
export interface PlainStore {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlMs: number): Promise<void>
  delete(key: string): Promise<void>
}

/** What the replicas share. */
export interface SharedTier {
  /** Says what it is. */
  readonly label: string
  /** For coherent-cache. */
  readonly store: StoreDriver
  /** For the plain cache. */
  readonly plain: PlainStore
  close(): Promise<void>
}

/**
 * A fresh shared tier. The replicas of this demo live in one process, so it can be one too; nothing else changes
 * where it is a Redis.
 */
export async function sharedTier(): Promise<SharedTier> {
  return { label: 'memory of this process', store: memoryStore(), plain: plainStore(), async close() {} }
}

function plainStore(): PlainStore {
  const values = new Map<string, { readonly value: string; readonly until: number }>()
  return {
    async get(key) {
      const held = values.get(key)
      return held !== undefined && performance.now() < held.until ? held.value : undefined
    },
    async set(key, value, ttlMs) {
      values.set(key, { value, until: performance.now() + ttlMs })
    },
    async delete(key) {
      values.delete(key)
    },
  }
}
