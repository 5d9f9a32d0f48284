import { type Cache, type CacheOptions, createCache } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import { afterEach, inject } from 'vitest'
import {
  type ClientName,
  connectTo,
  connectToCluster,
  type TestClient,
  unlinkUnder,
} from './redis-clients.ts'

/** What a test opened, to be closed and cleared away after it. */
const opened: (() => Promise<void>)[] = []
let names = 0

afterEach(async () => {
  await Promise.all(opened.splice(0).map((close) => close()))
})

export interface RedisCacheOptions<Tables extends string, Scopes extends string>
  extends Partial<CacheOptions<Tables, Scopes>> {
  /** Of a Redis of the test's own, or a proxy. @default the one that the whole run shares */
  readonly port?: number
  /** Ports of a Redis Cluster of the test's own, instead. */
  readonly cluster?: readonly number[]
  readonly ioredis?: ClientName
  /** Options of the client. */
  readonly client?: Record<string, unknown>
  readonly partitions?: number
}

/** A cache on real Redis, closed after the test. Its namespace is the test's own unless one is given. */
export function openRedisCache<const Tables extends string = string, const Scopes extends string = string>(
  options: RedisCacheOptions<Tables, Scopes> = {},
): { readonly cache: Cache<Tables, Scopes>; readonly client: TestClient; readonly name: string } {
  const { port = inject('redisPort'), cluster, ioredis, client: clientOptions, partitions, ...rest } = options
  const name = options.name ?? uniqueName()
  const client =
    cluster === undefined
      ? connectTo(port, clientOptions, ioredis)
      : (connectToCluster(cluster, clientOptions, ioredis) as unknown as TestClient)
  const cache = createCache<Tables, Scopes>({
    instance: `i${++names}`,
    ...rest,
    name,
    store: redisStore({ client, ...(partitions === undefined ? {} : { partitions }) }),
  })
  opened.push(async () => {
    await cache.close({ timeout: 0 })
    client.disconnect()
  })
  return { cache, client, name }
}

/** A name that no other test and no other run has. */
export function uniqueName(): string {
  return `test-${process.pid}-${++names}-${Math.random().toString(36).slice(2, 8)}`
}

/** A plain client for the test itself, closed after it. */
export function openClient(port = inject('redisPort'), options: Record<string, unknown> = {}): TestClient {
  const client = connectTo(port, options)
  opened.push(async () => client.disconnect())
  return client
}

/** The names of everything that a namespace has in Redis start so. */
export function keysOf(namespace: string): string {
  return `cc:{${namespace}.`
}

/** Unlinks everything of a namespace, as FLUSHALL would on a server of its own. */
export function loseEverything(client: TestClient, namespace: string): Promise<void> {
  return unlinkUnder(client, keysOf(namespace))
}

/** A counter as a database would hold it, and a loader that reads it. */
export function row<T = number>(first: T): { value: T; readonly load: () => Promise<T>; loads: number } {
  const held = {
    value: first,
    loads: 0,
    load: async () => {
      held.loads++
      return held.value
    },
  }
  return held
}
