import { defineDependencies } from 'coherent-cache'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openCache, openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

const dependencies = defineDependencies({
  tables: {
    bookings: ['booking:{orgId}:*'],
    rooms: {
      invalidates: ['room:{id}'],
      bind: () => {
        throw new Error('no such column')
      },
    },
  },
})

let told: string[] = []
const note = (warning: Error & { code?: string }) => {
  if (warning.code === 'COHERENT_CACHE') told.push(`${warning.name}: ${warning.message}`)
}
/** Node.js tells of a warning in the next tick. */
const ticks = () => new Promise((resolve) => setImmediate(resolve))

beforeEach(() => {
  told = []
  process.on('warning', note)
})
afterEach(() => void process.off('warning', note))

test('unknownTable_unheard_isAWarningOfTheProcess_onceByName', async () => {
  const { cache } = openCache({ dependencies, name: 'hotel' })
  for (const table of ['bookngs', 'bookngs', 'public.bookings', 'Bookings', 'audit_log'])
    await cache.invalidate({ table: table as 'bookings' })
  await ticks()
  expect(told).toHaveLength(4)
  expect(told[0]).toMatch(
    /^CoherentCacheWarning: coherent-cache "hotel": .*"bookngs".*Did you mean "bookings"\?/,
  )
  expect(told[1]).toMatch(/"public\.bookings".*Did you mean "bookings"\?/)
  expect(told[2]).toMatch(/"Bookings".*Did you mean "bookings"\?/)
  expect(told[3]).toMatch(/"audit_log"/)
  expect(told[3]).not.toMatch(/Did you mean/)
})

test('unknownTables_ofEndlessNames_areNotToldEndlessly', async () => {
  const { cache } = openCache({ dependencies })
  for (let at = 0; at < 200; at++) await cache.invalidate({ table: `part_${at}` as 'bookings' })
  await ticks()
  expect(told).toHaveLength(100)
})

test('unknownTable_ofAMapWithoutTables_isNoWarning', async () => {
  const { cache } = openCache()
  await cache.invalidate({ table: 'bookings' })
  await ticks()
  expect(told).toEqual([])
})

test('bindError_unheard_isAWarning_onceByTable', async () => {
  const { cache } = openCache({ dependencies })
  for (let at = 0; at < 2; at++)
    await cache.invalidate({ table: 'rooms', rows: [{ id: 1 }], operation: 'insert' })
  await ticks()
  expect(told).toEqual([expect.stringMatching(/"rooms".*no such column/)])
})

test('degraded_unheard_isAWarning_once', async () => {
  const network = heldNetwork()
  const { fleet, clock } = await openFleet(1, { dependencies, schedule: network.schedule })
  const cache = fleet[0] as (typeof fleet)[0]
  await cache.ready()
  for (let at = 0; at < 2; at++) {
    network.hold('reply')
    const read = cache.get('a', () => 1)
    await clock.advance(250)
    await read
    expect(cache.health().status).toBe('degraded')
    network.deliver()
    await clock.advance(3_000)
    expect(cache.health().status).toBe('ok')
  }
  await ticks()
  expect(told).toEqual([expect.stringMatching(/store is away/)])
})

test('listener_orLogger_silences', async () => {
  const { cache: listening } = openCache({ dependencies })
  const heard: string[] = []
  listening.on('unknownTable', ({ table }) => heard.push(table))
  await listening.invalidate({ table: 'bookngs' as 'bookings' })
  const log = (_: object, message: string) => heard.push(message)
  const { cache: logging } = openCache({
    dependencies,
    logger: { debug() {}, info() {}, warn: log, error: log },
  })
  await logging.invalidate({ table: 'bookngs' as 'bookings' })
  await logging.invalidate({ table: 'rooms', rows: [{ id: 1 }] })
  await ticks()
  expect(told).toEqual([])
  expect(heard).toHaveLength(3)
})
