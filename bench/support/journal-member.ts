/** A process that reads every item into its memory, and tells when it heard that one of them is void. */
import { type Cache, defineDependencies } from 'coherent-cache'
import { Redis } from 'ioredis'
import { sharedNow } from '../../test/support/version-judge.ts'
import { openOnRedis, whenLeaseHeld } from './redis-caches.ts'

const { port, items } = JSON.parse(process.argv[2] ?? '{}') as { port: number; items: number }
const dependencies = defineDependencies({
  tables: { items: { invalidates: ['item:{id}'], stable: ['id'] } },
})
const client = new Redis(port)
const cache: Cache = await openOnRedis(client, { name: 'bench', instance: 'reader', dependencies })
const keys = Array.from({ length: items }, (_, at) => `item:${at + 1}`)
await cache.getMany(keys, async (missing) => missing.map(() => 0))
await whenLeaseHeld(cache)
cache.on('remoteInvalidated', ({ stamps }) => {
  const at = sharedNow()
  for (const stamp of stamps) {
    const id = stamp.split('|')[1]
    // Memory is what this is about: it must have the value no more.
    if (id !== undefined && cache.peek(`item:${id}`) === undefined) process.send?.({ id: Number(id), at })
  }
})
process.on('disconnect', () => process.exit(0))
process.send?.({ id: 0, at: 0 })
