import { Redis } from 'ioredis6'
import {
  createGroupNotificationPair,
  createNotificationPair,
  GroupLoader,
  Loader,
  RedisCache,
  RedisGroupCache,
} from 'layered-loader'
import {
  type Contender,
  type ContenderKind,
  type ContenderOptions,
  LIFETIME_MS,
} from '../support/contender.ts'

interface Asked {
  readonly key: string
  readonly load: () => Promise<unknown>
}
type Batch = (missing: readonly string[]) => Promise<readonly unknown[]>

export const peer: ContenderKind = {
  name: 'layered-loader',
  packages: ['layered-loader'],
  why: 'Its Loader with the lru-map memory cache, RedisCache and Redis notifications; GroupLoader, likewise, where groups are used. It asks for Node 22 in its package file.',
  tiers: true,
  bus: true,
  groups: true,
  events: false,
  batches: true,
  modules: {
    core: "export { Loader, GroupLoader } from 'layered-loader/core'",
    redis: "export { RedisCache, RedisGroupCache, createNotificationPair } from 'layered-loader/redis'",
  },
  open: async (options) => (options.groups ? grouped(options) : flat(options)),
}

function connect(port: number | undefined) {
  const clients = port === undefined ? [] : [new Redis(port), new Redis(port), new Redis(port)]
  for (const client of clients) client.on('error', () => {})
  return clients
}

async function flat({ port, memory, maxEntries }: ContenderOptions): Promise<Contender> {
  const [client, publisherRedis, consumerRedis] = connect(port)
  const notifications =
    memory && publisherRedis !== undefined && consumerRedis !== undefined
      ? createNotificationPair<unknown>({ channel: 'items', publisherRedis, consumerRedis } as never)
      : undefined
  const loader = new Loader<unknown, Asked, Batch>({
    inMemoryCache: memory && { cacheType: 'lru-map', ttlInMsecs: LIFETIME_MS, maxItems: maxEntries },
    ...(client === undefined
      ? {}
      : { asyncCache: new RedisCache(client as never, { json: true, ttlInMsecs: LIFETIME_MS }) }),
    ...(notifications === undefined
      ? {}
      : {
          notificationPublisher: notifications.publisher,
          notificationConsumer: notifications.consumer,
        }),
    cacheKeyFromLoadParamsResolver: ({ key }: Asked) => key,
    cacheKeyFromValueResolver: (value: unknown) => (value as { key: string }).key,
    dataSourceGetOneFn: ({ load }: Asked) => load(),
    dataSourceGetManyFn: async (keys: string[], load?: Batch) => [...((await load?.(keys)) ?? [])],
  } as never)
  await loader.init()
  return {
    get: (key, _, load) => loader.get({ key, load }),
    getMany: (keys, _, load) => loader.getMany([...keys], load),
    invalidate: (key) => loader.invalidateCacheFor(key),
    async close() {
      await loader.close()
      for (const one of [client, publisherRedis, consumerRedis]) one?.disconnect()
    },
  }
}

async function grouped({ port, memory, maxEntries }: ContenderOptions): Promise<Contender> {
  const [client, publisherRedis, consumerRedis] = connect(port)
  const notifications =
    memory && publisherRedis !== undefined && consumerRedis !== undefined
      ? createGroupNotificationPair<unknown>({ channel: 'groups', publisherRedis, consumerRedis } as never)
      : undefined
  const loader = new GroupLoader<unknown, Asked, Batch>({
    inMemoryCache: memory && {
      cacheType: 'lru-map',
      ttlInMsecs: LIFETIME_MS,
      maxGroups: 1_000,
      maxItemsPerGroup: maxEntries,
    },
    ...(client === undefined
      ? {}
      : { asyncCache: new RedisGroupCache(client as never, { json: true, ttlInMsecs: LIFETIME_MS }) }),
    ...(notifications === undefined
      ? {}
      : {
          notificationPublisher: notifications.publisher,
          notificationConsumer: notifications.consumer,
        }),
    cacheKeyFromLoadParamsResolver: ({ key }: Asked) => key,
    cacheKeyFromValueResolver: (value: unknown) => (value as { key: string }).key,
    dataSources: [
      {
        name: 'source',
        getFromGroup: ({ load }: Asked) => load(),
        getManyFromGroup: async (keys: string[], _group: string, load?: Batch) => [
          ...((await load?.(keys)) ?? []),
        ],
      },
    ],
  } as never)
  await loader.init()
  return {
    get: (key, group, load) => loader.get({ key, load }, group),
    getMany: (keys, group, load) => loader.getMany([...keys], group, load),
    invalidate: (key, group) => loader.invalidateCacheFor(key, group),
    invalidateGroup: (group) => loader.invalidateCacheForGroup(group),
    async close() {
      await loader.close()
      for (const one of [client, publisherRedis, consumerRedis]) one?.disconnect()
    },
  }
}
