import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

// The store answers a read, and the answer takes its time. Meanwhile the row is written, and the message of that is lost;
// the next message, of another row, tells of a gap, and everything is flushed. Then the answer arrives: of its row nothing
// has been heard, and yet it must not get into memory.
const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })
const insert = (id: number) => ({ table: 't', operation: 'insert', rows: [{ id }] }) as const

type Step = () => void

test('reply_overtakenByAFlush_isNotRemembered_thoughNobodyNamedItsRow', async () => {
  const network = heldNetwork()
  const { fleet, clock } = await openFleet(2, { dependencies, schedule: network.schedule })
  const [reader, writer] = fleet as [Cache, Cache]
  await Promise.all(fleet.map((cache) => cache.ready()))
  await settle()
  await writer.get('row:1', () => 'old')
  const read = () => reader.get<string, string>('row:1', () => 'new')
  network.hold('reply')
  network.hold('message')
  const first = read()
  await settle()
  await network.run(0)
  expect(network.waiting).toBe(1)
  for (const id of [1, 2]) {
    const writing = writer.invalidate(insert(id))
    await settle()
    // The rotation is carried out, and answered; its messages to reader and writer wait.
    await network.run(network.waiting - 1)
    await network.run(network.waiting - 1)
    expect((await writing).status).toBe('applied')
  }
  expect(network.waiting).toBe(5)
  network.deliver((steps) => {
    const [answer, _lost, own, heard, nextOwn] = steps as [Step, Step, Step, Step, Step]
    return [own, heard, nextOwn, answer]
  })
  expect(await first).toBe('old')
  // For T the reader need not have known; from then on it must, heartbeats and all.
  for (let passed = 0; passed < 1_000; passed += 250) {
    await clock.advance(250)
    await read()
  }
  expect(await read()).toBe('new')
})
