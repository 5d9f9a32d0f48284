import { defineDependencies, defineKeys } from 'coherent-cache'
import { manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openCache, openFleet } from '../support/caches.ts'

/** A logger that keeps what it is told. */
function keeping() {
  const lines: {
    readonly level: string
    readonly details: Record<string, unknown>
    readonly message: string
  }[] = []
  const at = (level: string) => (details: object, message: string) =>
    void lines.push({ level, details: details as Record<string, unknown>, message })
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return { lines, logger }
}

const keys = defineKeys({
  large: { key: 'large:{id}', maxEntryBytes: 100 },
  odd: {
    key: 'odd:{id}',
    ttl: () => {
      throw new Error('no calendar')
    },
  },
})

test('refused_forEver_isWarnedOfOncePerFamilyAndReason_thenDebug', async () => {
  const clock = manualClock()
  const { lines, logger } = keeping()
  const { cache } = openCache({ keys, logger, clock, store: memoryStore({ clock }) })
  await cache.ready()
  for (const id of [1, 2]) await cache.get(keys.large({ id }), () => 'x'.repeat(200))
  for (const id of [1, 2]) await cache.get(keys.odd({ id }), () => 1)
  await cache.get('raw', () => () => 1)
  await cache.get('raw', (context) => context.skip())
  const told = lines.filter(({ details }) => 'reason' in details && 'detail' in details)
  expect(told.map(({ level, details }) => [level, details.family, details.reason])).toEqual([
    ['warn', 'large', 'too-large'],
    ['debug', 'large', 'too-large'],
    ['warn', 'odd', 'uncacheable'],
    ['debug', 'odd', 'uncacheable'],
    ['warn', undefined, 'uncacheable'],
    ['debug', undefined, 'skipped'],
  ])
  expect(told[2]?.details.detail).toBe('The ttl policy threw: no calendar')
})

test('everyLine_namesItsCache', async () => {
  const { lines, logger } = keeping()
  const { fleet } = await openFleet(2, {
    name: 'hotel',
    logger,
    dependencies: defineDependencies({ tables: { t: ['t:*'] } }),
  })
  const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
  await other.get('t:1', () => 1)
  await one.invalidate({ tables: ['t', 'nobody' as 't'] })
  await settle()
  const messages = lines.map(({ message }) => message)
  for (const message of [
    'cache invalidated elsewhere',
    'cache map does not name a written table',
    'cache invalidated',
  ])
    expect(messages).toContain(message)
  expect(lines.filter(({ details }) => details.cache !== 'hotel')).toEqual([])
})

test.each([
  ['debug', ['debug', 'info', 'warn']],
  ['info', ['info', 'warn']],
  ['warn', ['warn']],
  ['error', []],
] as const)('logLevel_%s_isTheLeastTold', async (logLevel, levels) => {
  const { lines, logger } = keeping()
  const { cache } = openCache({ logger, logLevel })
  await cache.get('a', () => 1)
  await cache.get('a', () => 1)
  await cache.get('b', () => () => 1)
  await cache.invalidate({ table: 'nobody' })
  expect([...new Set(lines.map(({ level }) => level))].sort()).toEqual(levels)
})
