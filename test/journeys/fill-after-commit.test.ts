import { type Cache, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { heldLoader, openCache, openFleet } from '../support/caches.ts'

const dependencies = defineDependencies({ scopes: ['id'], tables: { t: ['row:{id}'], other: ['else:*'] } })

const changes = [
  ['its rows', { table: 't', operation: 'insert', rows: [{ id: 1 }] }],
  ['its table', { tables: ['t'] }],
  ['its key', { keys: ['row:1'] }],
  ['its scope', { scope: { id: 1 } }],
  ['an ad-hoc pattern', { pattern: '*:1' }],
] as const

describe.each([
  [
    'memory alone',
    async () => [openCache({ dependencies }).cache, openCache({ dependencies }).cache].slice(0, 1),
  ],
  ['a shared store', async () => (await openFleet(1, { dependencies })).fleet],
  ['a shared store, the writer elsewhere', async () => (await openFleet(2, { dependencies })).fleet],
])('over %s', (_, open) => {
  const opened = async (): Promise<{ reader: Cache; writer: Cache }> => {
    const fleet = (await open()) as Cache[]
    return { reader: fleet[0] as Cache, writer: fleet.at(-1) as Cache }
  }

  // The reader has read the row, a writer commits, and only then does the reader fill.
  test.each(changes)('load_runningAcrossAnInvalidationBy_%s_isGivenButNotKept', async (_what, change) => {
    const { reader, writer } = await opened()
    const { load, call } = heldLoader<string>()
    const read = reader.get('row:1', load)
    const held = await call()
    expect(await writer.invalidate(change as never)).toMatchObject({ status: 'applied' })
    held.resolve('old')
    expect(await read).toBe('old')
    expect(reader.peek('row:1')).toBeUndefined()
    expect(await reader.get<string, string>('row:1', () => 'new')).toBe('new')
    expect(await writer.get<string, string>('row:1', () => 'loaded')).toBe('new')
  })

  test('load_runningAcrossAUnitsCommit_isGivenButNotKept', async () => {
    const { reader, writer } = await opened()
    const unit = writer.unitOfWork()
    unit.write('t', { operation: 'insert', rows: [{ id: 1 }] })
    const { load, call } = heldLoader<string>()
    const read = reader.get('row:1', load)
    const held = await call()
    await unit.prepare()
    await unit.commit()
    held.resolve('old')
    expect(await read).toBe('old')
    expect(await reader.get<string, string>('row:1', () => 'new')).toBe('new')
  })

  test('batch_runningAcrossAnInvalidation_keepsOnlyWhatIsUntouched', async () => {
    const { reader, writer } = await opened()
    const { load, call } = heldLoader<string[]>()
    const read = reader.getMany(['row:1', 'row:2'], load)
    const held = await call()
    await writer.invalidate({ table: 't', operation: 'insert', rows: [{ id: 1 }] })
    held.resolve(['old', 'two'])
    expect(await read).toEqual(['old', 'two'])
    expect(
      await reader.getMany<string, string>(['row:1', 'row:2'], (missing) => missing.map(() => 'new')),
    ).toEqual(['new', 'two'])
  })

  test('load_runningAcrossAnUnrelatedInvalidation_isKept', async () => {
    const { reader, writer } = await opened()
    const { load, call } = heldLoader<string>()
    const read = reader.get('row:1', load)
    const held = await call()
    await writer.invalidate({ table: 't', operation: 'insert', rows: [{ id: 2 }] })
    await writer.invalidate({ table: 'other' })
    held.resolve('kept')
    expect(await read).toBe('kept')
    expect(await reader.get<string, string>('row:1', () => 'new')).toBe('kept')
  })

  test('load_pausedForMinutes_doesNoHarm', async () => {
    const { reader, writer } = await opened()
    const { load, call } = heldLoader<string>()
    const read = reader.get('row:1', load)
    const held = await call()
    for (let at = 0; at < 100; at++)
      await writer.invalidate({ table: 't', operation: 'insert', rows: [{ id: 1 }] })
    expect(await reader.get<string, string>('row:1', () => 'newest')).toBe('newest')
    held.resolve('ancient')
    expect(await read).toBe('ancient')
    await settle()
    expect(await reader.get<string, string>('row:1', () => 'loaded')).toBe('newest')
    expect(await writer.get<string, string>('row:1', () => 'loaded')).toBe('newest')
  })
})
