import { type CacheOptions, defineDependencies } from 'coherent-cache'
import { type ManualClock, type MemoryStore, manualClock, memoryStore } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { errorOf, openCache } from '../support/caches.ts'

/** What docs/operations.md says of a deploy that changes a setting of the namespace. */
const dependencies = defineDependencies({ tables: { t: ['row:*'] } })

function opener(clock: ManualClock, store: MemoryStore) {
  return ({ clock: _, ...options }: Partial<CacheOptions>) =>
    openCache({ dependencies, store, ttl: '1h', ...options, clock }).cache
}

async function opened(changed: Partial<CacheOptions>) {
  const clock = manualClock()
  const open = opener(clock, memoryStore({ clock }))
  const before = open({ name: 'deployed', instance: 'before' })
  await before.ready()
  await before.get('row:1', () => 'old')
  const after = open({ name: 'deployed', instance: 'after', ...changed })
  const read = () => before.get<string, string>('row:1', () => 'new', { freshness: 'committed' })
  return { clock, before, after, read }
}

describe('a deploy that changes a setting of the namespace', () => {
  test('whileOldProcessesLive_whatNewOnesWriteIsQueued_andOldOnesAnswerTheOldValue', async () => {
    const { clock, before, after, read } = await opened({ maxStaleness: '2s' })
    await expect(after.ready()).rejects.toEqual(errorOf('SETTINGS_MISMATCH'))
    expect(after.health()).toMatchObject({ status: 'degraded', store: { code: 'SETTINGS_MISMATCH' } })
    const receipt = await after.invalidate({ table: 't' })
    expect(receipt.status).toBe('queued')
    expect(after.health().queue.length).toBe(1)
    expect(before.health().status).toBe('ok')
    for (let turn = 0; turn < 20; turn++) {
      await clock.advance(30_000)
      expect(await read()).toBe('old')
    }
    // Whoever brings the receipt's token is answered by the loader.
    expect(await before.session(receipt.token).get<string, string>('row:1', () => 'new')).toBe('new')
  })

  test('locking_whatNewOnesWriteIsAborted', async () => {
    const { after, read } = await opened({ consistency: 'committed' })
    const unit = after.unitOfWork()
    unit.write('t')
    await expect(unit.prepare()).rejects.toEqual(errorOf('STORE_UNAVAILABLE'))
    await unit.rollback()
    expect(await read()).toBe('old')
  })

  test('aMinuteAfterTheLastOldOne_newOnesAreTakenIn_andTheirQueueIsReplayed', async () => {
    const { clock, before, after } = await opened({ maxStaleness: '2s' })
    await after.ready().catch(() => {})
    await after.invalidate({ table: 't' })
    const closing = before.close()
    await clock.advance(59_000)
    await closing
    expect(after.health().status).toBe('degraded')
    await clock.advance(12_000)
    expect(after.health()).toMatchObject({ status: 'ok', queue: { length: 0 } })
    // Everything is cold; from here on it is kept again.
    expect(await after.get<string, string>('row:1', () => 'new')).toBe('new')
    expect(await after.get<string, string>('row:1', () => 'newer')).toBe('new')
    // It was refused once, and says so for good: look at health() afterwards.
    await expect(after.ready()).rejects.toEqual(errorOf('SETTINGS_MISMATCH'))
  })

  test('anOldOneThatWasIdle_isRefusedWhenItComesBack_andAnswersNothingOfBefore', async () => {
    const { clock, before, after, read } = await opened({ maxStaleness: '2s' })
    await after.ready().catch(() => {})
    await after.invalidate({ table: 't' })
    await clock.advance(120_000)
    expect(after.health().status).toBe('ok')
    expect(await before.get<string, string>('row:1', () => 'new')).toBe('new')
    expect(await read()).toBe('new')
    expect(before.health()).toMatchObject({ status: 'degraded', store: { code: 'SETTINGS_MISMATCH' } })
  })

  test('anotherName_isUsedAtOnce_andTheTwoHearNothingOfEachOther', async () => {
    const { before, after, read } = await opened({ maxStaleness: '2s', name: 'deployed-2' })
    await after.ready()
    expect(await after.get<string, string>('row:1', () => 'new')).toBe('new')
    expect((await after.invalidate({ table: 't' })).status).toBe('applied')
    expect(await read()).toBe('old')
    await after.get<string, string>('row:1', () => 'new')
    expect((await before.invalidate({ table: 't' })).status).toBe('applied')
    expect(await after.get<string, string>('row:1', () => 'newer', { freshness: 'committed' })).toBe('new')
  })
})
