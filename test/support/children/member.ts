/**
 * One process of a fleet: a cache on Redis, told what to do by the test that started it (see `../member.ts`). Nothing
 * here catches what the library must not let through: an unhandled rejection or 'error' event ends this process.
 */
import { createCache } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import type { Ask, MemberConfig, Reply, Told } from '../member.ts'
import { connectTo } from '../redis-clients.ts'
import { apps } from './apps.ts'

const config = JSON.parse(process.argv[2] ?? '{}') as MemberConfig
const app = apps[config.app ?? 'old']
if (app === undefined) throw new Error(`There is no application ${config.app}.`)

const client = connectTo(config.port, config.client ?? {}, config.ioredis)
const cache = createCache({
  name: config.name,
  namespace: config.namespace ?? config.name,
  ...app,
  ...config.options,
  store: redisStore({
    client,
    ...(config.partitions === undefined ? {} : { partitions: config.partitions }),
  }),
})

const events: Told[] = []
for (const name of [
  'degraded',
  'recovered',
  'unreadable',
  'flushed',
  'refused',
  'remoteInvalidated',
] as const) {
  cache.on(name, (event) => {
    const { reason, replayed, stamps, keys } = event as unknown as Record<string, never>
    events.push({ name, at: performance.now(), reason, replayed, stamps, keys })
  })
}

let loads = 0
let pause = Promise.resolve()
let resume = () => {}

async function answer(ask: Ask): Promise<unknown> {
  switch (ask.op) {
    case 'ready':
      return cache.ready({ timeout: ask.timeoutMs ?? 10_000 })
    case 'get': {
      const started = performance.now()
      let reachedLoader: number | undefined
      const entry = await cache.getEntry(
        ask.key,
        async () => {
          loads++
          reachedLoader = performance.now() - started
          await pause
          if (ask.loadMs !== undefined) await new Promise((resolve) => setTimeout(resolve, ask.loadMs))
          return ask.value
        },
        ask.options,
      )
      const { value, status, tier } = entry
      return { value, status, tier, reachedLoader, tookMs: performance.now() - started }
    }
    case 'many': {
      const values = await Promise.all(
        Array.from({ length: ask.times }, () =>
          cache.get(ask.key, async () => {
            loads++
            await new Promise((resolve) => setTimeout(resolve, ask.loadMs ?? 0))
            return ask.value
          }),
        ),
      )
      return [...new Set(values)]
    }
    case 'peek':
      return cache.peek(ask.key)
    case 'invalidate': {
      const { status, stamps, token } = await cache.invalidate(ask.request)
      return { status, stamps, token }
    }
    case 'clear': {
      const { status, stamps, token } = await cache.clear()
      return { status, stamps, token }
    }
    case 'hold':
      pause = new Promise((resolve) => {
        resume = resolve
      })
      return undefined
    case 'resume':
      resume()
      pause = Promise.resolve()
      return undefined
    case 'loads':
      return loads
    case 'events':
      return events.splice(0)
    case 'health':
      return cache.health()
    case 'close': {
      const report = await cache.close({ timeout: ask.timeoutMs ?? 2_000 })
      client.disconnect()
      return report
    }
  }
}

process.on('message', ({ id, ask }: { id: number; ask: Ask }) => {
  answer(ask).then(
    (value) => tell({ id, value }, ask.op === 'close'),
    (error: Error & { code?: string }) => tell({ id, error: error.message, code: error.code }, false),
  )
})

/** After `close` nothing is left that would keep this process alive: if it lives on, the cache does. */
function tell(reply: Reply, last: boolean): void {
  process.send?.(reply, undefined, undefined, () => {
    if (last) process.disconnect()
  })
}

process.send?.({ id: 0, value: 'started' } satisfies Reply)
