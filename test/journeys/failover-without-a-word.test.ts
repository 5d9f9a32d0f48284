import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

// A replica is promoted, and its sequence begins anew. The first message of the new epoch is lost on its way to a reader,
// the second one arrives: another epoch, and so a gap, whatever its number says.
const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })
const insert = (id: number) => ({ table: 't', operation: 'insert', rows: [{ id }] }) as const

test('message_ofAnotherEpoch_whoseFirstOneWasLost_isAGap', async () => {
  const network = heldNetwork()
  const { fleet, clock, store } = await openFleet(2, { dependencies, schedule: network.schedule })
  const [writer, reader] = fleet as [Cache, Cache]
  await Promise.all(fleet.map((cache) => cache.ready()))
  await settle()
  const rows = [0, 1, 1]
  const read = (id: number) => reader.get<string, number>(`row:${id}`, () => rows[id] as number)
  for (const id of [1, 2]) {
    expect(await read(id)).toBe(1)
    expect(reader.peek(`row:${id}`)).toBe(1)
  }
  store.replica()()
  // The writer has seen the new epoch before it writes, and has nothing to tell again.
  await writer.get('other', () => 0)
  network.hold('message')
  rows[2] = 2
  expect((await writer.invalidate(insert(2))).status).toBe('applied')
  await settle()
  network.lose()
  network.deliver()
  rows[1] = 2
  expect((await writer.invalidate(insert(1))).status).toBe('applied')
  await settle()
  expect(await read(1)).toBe(2)
  // For T the reader need not have known; from then on it must, heartbeats and all.
  for (let passed = 0; passed < 1_000; passed += 250) {
    await clock.advance(250)
    await read(1)
  }
  expect(await read(2)).toBe(2)
})
