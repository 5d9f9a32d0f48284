import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test, vi } from 'vitest'
import { openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

const dependencies = defineDependencies({ tables: { t: ['row:{id}'], u: ['other:*'] } })
const insert = (id: number) => ({ table: 't', operation: 'insert', rows: [{ id }] }) as const

async function opened() {
  const network = heldNetwork()
  const { fleet, clock, store } = await openFleet(2, { dependencies, schedule: network.schedule })
  const [one, other] = fleet as [Cache, Cache]
  await Promise.all(fleet.map((cache) => cache.ready()))
  await settle()
  return { network, one, other, clock, store }
}

/** Awaits while the clock runs on. */
async function during<T>(
  clock: { advance(ms: number): Promise<void> },
  ms: number,
  promise: Promise<T>,
): Promise<T> {
  await clock.advance(ms)
  return promise
}

describe('while the store hangs', () => {
  test('invalidate_isQueued_withinStoreTimeout_andThisProcessNeverAnswersOlder', async () => {
    const { network, one, clock } = await opened()
    await one.get('row:1', () => 'old')
    network.hold('reply')
    const receipt = await during(clock, 250, one.invalidate(insert(1)))
    expect(receipt).toMatchObject({ status: 'queued', stamps: ['row:{id}|1'] })
    expect(receipt.token).toMatch(/~q$/)
    expect(one.peek('row:1')).toBeUndefined()
    expect(
      await during(
        clock,
        300,
        one.get<string, string>('row:1', () => 'new'),
      ),
    ).toBe('new')
    expect(one.health()).toMatchObject({ status: 'degraded', queue: { length: 1 } })
  })

  test('reads_goToTheirLoaders_afterTheFirstWithoutWaiting', async () => {
    const { network, one, clock } = await opened()
    network.hold('reply')
    expect(
      await during(
        clock,
        250,
        one.get<string, number>('row:1', () => 1),
      ),
    ).toBe(1)
    // From now on nobody waits.
    for (let at = 2; at < 10; at++) expect(await one.get<string, number>('row:1', () => at)).toBe(at)
    expect(one.stats().fillsRefused).toHaveProperty('store-unavailable')
  })

  test('store_comesBack_isToldWhatItMissed_beforeItIsBelieved', async () => {
    const { network, one, other, clock } = await opened()
    const told = vi.fn()
    one.on('recovered', told)
    one.on('degraded', told)
    await one.get('row:1', () => 'old')
    expect(await other.get<string, string>('row:1', () => 'loaded')).toBe('old')
    network.hold('reply')
    await during(clock, 250, one.invalidate(insert(1)))
    await one.invalidate({ table: 'u' })
    await one.invalidate({ keys: ['row:9'] })
    expect(one.health().queue.length).toBe(3)
    // What hung is lost; from now on the store answers.
    network.lose()
    network.deliver()
    await clock.advance(5_000)
    expect(told.mock.calls.map(([event]) => event)).toEqual([
      expect.objectContaining({ reason: expect.any(String) }),
      { replayed: 3 },
    ])
    expect(one.health()).toMatchObject({ status: 'ok', queue: { length: 0 } })
    expect(await other.get<string, string>('row:1', () => 'new')).toBe('new')
    expect(await one.get<string, string>('row:1', () => 'loaded')).toBe('new')
  })

  test('manyChanges_areCoalesced_andNoneIsLost', async () => {
    const { network, one, other, clock } = await opened()
    const keys = ['row:1', 'row:4999', 'other:1', 'raw']
    for (const key of keys) expect(await other.get<string, string>(key, () => 'old')).toBe('old')
    network.hold('reply')
    await during(clock, 250, one.invalidate(insert(0)))
    for (let id = 1; id < 5_000; id++) await one.invalidate(insert(id))
    expect(one.health().queue.length).toBe(5_000)
    network.lose()
    network.deliver()
    await clock.advance(5_000)
    const after = await other.getMany<string, string>(keys, (missing) => missing.map(() => 'new'))
    expect(after.slice(0, 2)).toEqual(['new', 'new'])
    expect(after[3]).toBe('old')
  })

  test('session_withAQueuedToken_isAnsweredByTheLoader', async () => {
    const { network, one, other, clock } = await opened()
    expect(await other.get<string, string>('row:1', () => 'old')).toBe('old')
    network.hold('reply')
    const { token } = await during(clock, 250, one.invalidate(insert(1)))
    network.lose()
    network.deliver()
    const sources: string[] = []
    const load = (source: string) => {
      sources.push(source)
      return 'new'
    }
    expect(await other.get('row:1', ({ source }) => load(source), { token })).toBe('new')
    const many = other.session(token).getMany(['row:1'], (_, { source }) => [load(source)])
    expect(await many).toEqual(['new'])
    expect(sources).toEqual(['primary', 'primary'])
    // What is loaded so is kept nowhere: the store has not been told, and would believe it.
    expect(other.stats().fills).toBe(1)
  })

  test('close_saysWhatNoStoreWasToldOf', async () => {
    const { network, one, clock } = await opened()
    network.hold('reply')
    await during(clock, 250, one.invalidate(insert(1)))
    expect(await during(clock, 1_000, one.close({ timeout: '1s' }))).toEqual({
      loads: 0,
      units: 0,
      queued: 1,
    })
  })
})
