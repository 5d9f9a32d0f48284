import type { Receipt } from 'coherent-cache'
import type { Redis } from 'ioredis'
import type { Pool, PoolClient } from 'pg'
import { Shop, type Versions } from './app.ts'
import type { Deeds } from './deed.ts'
import type { MemberConfig } from './messages.ts'
import type { Opened, StormTransaction } from './subject.ts'

type Load = (context: object) => Promise<Versions>

/**
 * What most services do: read the store, load on a miss and set what was loaded; after a commit, delete. Nothing is
 * wrong with it but the order in which things can happen, which the judge must notice.
 */
export function cacheAside(
  config: MemberConfig,
  redis: Redis,
  pool: Pool,
  deeds: Deeds,
  told: (receipt: Receipt) => void,
): Opened {
  const shop = new Shop(config.items)
  const stats = { hits: { memory: 0, store: 0, stale: 0 }, loads: 0 }
  const getEntry = async (key: string, load: Load) => {
    const held = await redis.get(key)
    if (held !== null) {
      stats.hits.store++
      return { value: JSON.parse(held) as Versions, tier: 'store' }
    }
    stats.loads++
    const value = await load({})
    await redis.set(key, JSON.stringify(value), 'PX', config.ttlMs)
    return { value, tier: 'loader' }
  }
  const get = async (key: string, load: Load) => (await getEntry(key, load)).value
  const forget = async (): Promise<Receipt> => {
    const rows = deeds.current?.rows ?? []
    const keys = rows.flatMap(({ row }) => shop.keysOf(row).map((at) => shop.keys[at]?.key ?? ''))
    if (keys.length > 0) await redis.del(...keys)
    return {
      status: 'applied',
      stamps: [],
      keys: [],
      patterns: [],
      unknownTables: [],
      durationMs: 0,
      token: '1',
    }
  }
  const transaction = async <T>(body: (tx: StormTransaction) => Promise<T>): Promise<T> => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      const tx = inside(client)
      const value = await body(tx)
      await client.query(tx.over ? 'ROLLBACK' : 'COMMIT')
      if (!tx.over) told(await forget())
      return value
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  }
  const cache = {
    get,
    getEntry,
    getMany: async (keys: readonly string[], load: (missing: readonly string[]) => Promise<Versions[]>) =>
      Promise.all(keys.map((key) => get(key, async () => (await load([key]))[0] ?? []))),
    peek: () => undefined,
    invalidate: forget,
    stats: () => stats,
    ready: async () => {},
    close: async () => ({ loads: 0, units: 0, queued: 0 }),
  }
  return {
    cache: cache as unknown as Opened['cache'],
    db: { transaction, query: (text, values) => transaction((tx) => tx.query(text, values)) },
    async close() {
      redis.disconnect()
    },
  }
}

function inside(client: PoolClient): StormTransaction & { over: boolean } {
  const tx = {
    over: false,
    query: (text: string, values?: unknown[]) => client.query(text, values),
    async rollback() {
      tx.over = true
    },
    async transaction<T>(body: (nested: StormTransaction) => Promise<T>): Promise<T> {
      await client.query('SAVEPOINT one')
      const nested = inside(client)
      const value = await body(nested)
      await client.query(nested.over ? 'ROLLBACK TO one' : 'RELEASE one')
      return value
    },
  }
  return tx
}
