import { defineDependencies } from 'coherent-cache'
import { manualClock, memoryStore } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import type { StoreDriver } from '../../src/core/store.ts'
import { openCache } from '../support/caches.ts'

test('a rotation and the sweep after it are acknowledged apart: who has heard of one has not heard of the other', async () => {
  const clock = manualClock()
  const memory = memoryStore({ clock })
  const ids: string[] = []
  const store: StoreDriver = {
    ...memory,
    connect(session) {
      const real = memory.connect(session)
      const rotate = real.rotate.bind(real)
      const sweep = real.sweep.bind(real)
      return Object.assign(real, {
        rotate: (request: Parameters<typeof rotate>[0]) => {
          ids.push(request.cause.id)
          return rotate(request)
        },
        sweep: (...[patterns, cause, heard]: Parameters<typeof sweep>) => {
          ids.push(cause.id)
          return sweep(patterns, cause, heard)
        },
      })
    },
  }
  const dependencies = defineDependencies({ tables: { rows: ['row:{id}'] } })
  const { cache } = openCache({ store, clock, dependencies, consistency: 'strict' })
  await cache.ready()
  // Of a new store nobody knows who may be answering from memory, so that a while is waited for each.
  const changing = cache.invalidate({ pattern: 'ro*' })
  await clock.advance(5_000)
  await changing
  expect(ids).toHaveLength(2)
  expect(new Set(ids).size).toBe(2)
})
