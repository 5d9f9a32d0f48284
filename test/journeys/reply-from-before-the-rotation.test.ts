import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })

const changes = [
  ['its row', { table: 't', operation: 'insert', rows: [{ id: 1 }] }],
  ['its key', { keys: ['row:1'] }],
  ['an ad-hoc pattern', { pattern: 'row:1*' }],
  ['everything', 'clear'],
] as const

/** One process, its memory empty and the store holding the old value, with every step in hand. */
async function opened() {
  const network = heldNetwork()
  const { fleet } = await openFleet(2, { dependencies, schedule: network.schedule })
  const [cache, other] = fleet as [Cache, Cache]
  await Promise.all(fleet.map((one) => one.ready()))
  await settle()
  await other.get('row:1', () => 'old')
  network.hold('reply')
  return { network, cache }
}

const applied = (cache: Cache, change: (typeof changes)[number][1]) =>
  change === 'clear' ? cache.clear() : cache.invalidate(change as never)

describe('a read that meets an invalidation of its own process on the way', () => {
  // The store answers the read before it rotates; the answer arrives after the rotation's.
  test.each(changes)('reply_overtakenByTheRotationOf_%s_isNotRemembered', async (_, change) => {
    const { network, cache } = await opened()
    const done = applied(cache, change)
    await settle()
    const rotating = network.waiting
    expect(rotating).toBeGreaterThan(0)
    const read = cache.get<string, string>('row:1', () => 'new')
    await settle()
    expect(network.waiting).toBe(rotating + 1)
    // The read's own step, whose reply then waits; then the rotation's, and whatever follows from it.
    await network.run(rotating)
    await network.run(0)
    while (network.waiting > 1) await network.run(1)
    expect(await done).toMatchObject({ status: 'applied' })
    await network.run(0)
    network.deliver()
    await settle()
    await read
    expect(cache.peek('row:1')).not.toBe('old')
    expect(await cache.get<string, string>('row:1', () => 'new')).toBe('new')
  })

  test.each(changes)('reply_askedForBeforeTheRotationOf_%s_isNotRemembered', async (_, change) => {
    const { network, cache } = await opened()
    const read = cache.get<string, string>('row:1', () => 'new')
    await settle()
    expect(network.waiting).toBe(1)
    await network.run(0)
    const done = applied(cache, change)
    await settle()
    // The read's reply waits first; the rotation overtakes it.
    while (network.waiting > 1) await network.run(1)
    expect(await done).toMatchObject({ status: 'applied' })
    network.deliver()
    await settle()
    await read
    expect(cache.peek('row:1')).not.toBe('old')
    expect(await cache.get<string, string>('row:1', () => 'new')).toBe('new')
  })

  test('fill_confirmedBeforeTheRotation_isNotRememberedAfterIt', async () => {
    const { network, cache } = await opened()
    const read = cache.get<string, string>('row:2', () => 'old')
    await settle()
    // Its trip, its reply; the load; then the fill's step, whose reply waits.
    await network.run(0)
    await network.run(0)
    await network.run(0)
    expect(network.waiting).toBe(1)
    const done = cache.invalidate({ table: 't', operation: 'insert', rows: [{ id: 2 }] })
    await settle()
    while (network.waiting > 1) await network.run(1)
    await done
    network.deliver()
    expect(await read).toBe('old')
    expect(cache.peek('row:2')).toBeUndefined()
    expect(await cache.get<string, string>('row:2', () => 'new')).toBe('new')
  })
})
