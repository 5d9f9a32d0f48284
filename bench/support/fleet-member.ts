/**
 * A process with several caches of one namespace, as if each were a process of its own. The first message says what to
 * open and is answered once all are connected; see `fleet.ts` for the others.
 */
import type { Cache } from 'coherent-cache'
import { defineDependencies, defineKeys } from 'coherent-cache'
import { Redis } from 'ioredis'
import type { FleetOptions, FleetOrder, FleetReport } from './fleet.ts'
import { openOnRedis } from './redis-caches.ts'

const keys = defineKeys({ item: 'item:{groupId}:{id}' })
const dependencies = defineDependencies({ tables: { items: ['item:{groupId}:*'] } })

/** How long after it was sent each invalidation was applied here, in milliseconds. */
const delays: number[] = []
let caches: Cache[] = []
let client: Redis | undefined
let reading: NodeJS.Timeout[] = []

async function open({ port, count, member, ...options }: FleetOptions & { member: number }): Promise<void> {
  const own = new Redis(port)
  client = own
  caches = await Promise.all(
    Array.from({ length: count }, (_, at) =>
      openOnRedis(own, { ...options, name: 'bench', instance: `m${member}-${at}`, keys, dependencies }),
    ),
  )
  for (const cache of caches) {
    cache.on('remoteInvalidated', ({ keys: told }) => {
      const sent = /^sent:(\d+\.?\d*)$/.exec(told[0] ?? '')?.[1]
      if (sent !== undefined) delays.push(performance.timeOrigin + performance.now() - Number(sent))
    })
  }
}

function read(everyMs: number): void {
  for (const [at, cache] of caches.entries()) {
    const once = () =>
      cache.get(keys.item({ groupId: at, id: 1 }), async () => ({ amount: 1 })).catch(() => undefined)
    void once()
    reading.push(setInterval(once, everyMs))
  }
}

function report(): FleetReport {
  const { user, system } = process.cpuUsage()
  return {
    cpu: user + system,
    delays: delays.splice(0),
    leases: caches.filter((cache) => cache.health().memoryLease === 'held').length,
  }
}

process.on('message', async (order: FleetOrder) => {
  if (order.do === 'open') await open(order.options)
  else if (order.do === 'read') read(order.everyMs)
  else if (order.do === 'rest') {
    for (const timer of reading) clearInterval(timer)
    reading = []
  }
  process.send?.(report())
})
process.on('disconnect', async () => {
  await Promise.all(caches.map((cache) => cache.close({ timeout: 0 })))
  client?.disconnect()
  process.exit()
})
