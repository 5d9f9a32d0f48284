import { defineKeys } from 'coherent-cache'
import { manualClock, memoryStore } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openCache } from '../support/caches.ts'

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
