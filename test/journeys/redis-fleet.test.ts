import { afterEach, describe, expect, inject, test } from 'vitest'
import { Fleet, type MemberConfig } from '../support/member.ts'
import { uniqueName } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

const fleet = new Fleet()
afterEach(() => fleet.end())

const config = (more: Partial<MemberConfig> = {}): MemberConfig => ({
  port: inject('redisPort'),
  name: uniqueName(),
  ...more,
})

describe('one load per fleet', { timeout: 40_000 }, () => {
  test('a thousand reads in two processes, ioredis 5 and 6, make one load', async () => {
    const shared = config()
    const [one, other] = await fleet.start(
      { ...shared, ioredis: 'ioredis 6' },
      { ...shared, ioredis: 'ioredis 5' },
    )
    await Promise.all([one.ready(), other.ready()])
    const values = await Promise.all([one.many('item:1', 'a', 500, 300), other.many('item:1', 'b', 500, 300)])
    expect((await one.loads()) + (await other.loads())).toBe(1)
    expect(new Set(values.flat()).size).toBe(1)
  })

  test('the holder of a claim is killed: another process takes over, and nobody waits for long', async () => {
    const shared = config()
    const [holder, waiting] = await fleet.start(shared, shared)
    await Promise.all([holder.ready(), waiting.ready()])
    await holder.hold()
    holder.get('item:1', 'never').catch(() => {})
    await until(async () => (await holder.loads()) === 1, 'the holder to load')
    const read = waiting.get('item:1', 'from the other')
    holder.kill('SIGKILL')
    const { value, tookMs } = await read
    expect(value).toBe('from the other')
    // A claim stands for three seconds without a renewal; loadWait, the limit of all waiting, is five.
    expect(tookMs).toBeLessThan(5_000)
    // Taken over, not only waited out: the value was kept.
    expect(await waiting.get('item:1', 'again')).toMatchObject({ value: 'from the other', status: 'hit' })
  })

  test('a holder that goes on for longer than loadWait is not waited for, and its value is not overtaken', async () => {
    const shared = config({ options: { loadWait: '300ms' } })
    const [slow, hasty] = await fleet.start(shared, shared)
    await Promise.all([slow.ready(), hasty.ready()])
    await slow.hold()
    const slowly = slow.get('item:1', 'slow')
    await until(async () => (await slow.loads()) === 1, 'the slow one to load')
    const { value, tier } = await hasty.get('item:1', 'hasty')
    expect([value, tier]).toEqual(['hasty', 'loader'])
    await slow.resume()
    expect((await slowly).value).toBe('slow')
    expect(await hasty.get('item:1', 'never')).toMatchObject({ value: 'slow', tier: 'store' })
  })

  test('a process that has closed its cache ends by itself', async () => {
    const [one] = await fleet.start(config())
    await one.ready()
    await one.get('item:1', 1)
    expect(await one.close()).toEqual({ loads: 0, units: 0, queued: 0 })
    expect(await one.ended).toEqual({ code: 0, stderr: '' })
  })
})

describe('a load that runs across an invalidation by another process fills nothing', {
  timeout: 40_000,
}, () => {
  const cases = {
    'its key': { request: { keys: ['report:daily:7:2026-01-01'] } },
    'its table': { request: { table: 'revenues', operation: 'insert', rows: [{ org_id: 7 }] } },
    'its scope': { request: { scope: { orgId: 7 } } },
    'a pattern of the map': { request: { pattern: 'report:daily:{orgId}:*' } },
    'an ad-hoc pattern': { request: { pattern: 'report:*:7:*' } },
    everything: 'clear',
  } as const

  test('by key, table, scope, pattern, ad-hoc pattern and clear()', async () => {
    const key = 'report:daily:7:2026-01-01'
    const shared = config()
    const [reader, writer] = await fleet.start(shared, shared)
    await Promise.all([reader.ready(), writer.ready()])
    let version = 0
    for (const [name, how] of Object.entries(cases)) {
      const before = `${name}: ${++version}`
      const after = `${name}: ${++version}`
      await writer.clear()
      await reader.hold()
      const loads = await reader.loads()
      // A bounded read might still be answered from memory, which has up to T to hear of the clear().
      const paused = reader.get(key, before, { read: { freshness: 'committed' } })
      await until(async () => (await reader.loads()) === loads + 1, `${name}: the load to begin`)
      const receipt = how === 'clear' ? await writer.clear() : await writer.invalidate(how.request)
      expect(receipt.status, name).toBe('applied')
      await reader.resume()
      expect((await paused).value, name).toBe(before)
      expect(await writer.get(key, after), name).toMatchObject({ value: after, tier: 'loader' })
      expect((await reader.get(key, 'never', { read: { freshness: 'committed' } })).value, name).toBe(after)
    }
    const refused = (await reader.events()).filter((event) => event.name === 'refused')
    expect(refused).toHaveLength(Object.keys(cases).length)
  })

  test('a reader that is frozen in the middle of a load, and thawed long afterwards', async () => {
    const key = 'item:1'
    const shared = config()
    const [reader, writer] = await fleet.start(shared, shared)
    await Promise.all([reader.ready(), writer.ready()])
    await reader.hold()
    const paused = reader.get(key, 'old')
    await until(async () => (await reader.loads()) === 1, 'the load to begin')
    reader.kill('SIGSTOP')
    await writer.invalidate({
      table: 'items',
      operation: 'update',
      rows: [{ before: { id: 1 }, after: { id: 1 } }],
    })
    // The claim was void with its vector, so that nobody waits for the frozen process.
    expect(await writer.get(key, 'new')).toMatchObject({ value: 'new', tier: 'loader' })
    reader.kill('SIGCONT')
    await reader.resume()
    expect((await paused).value).toBe('old')
    expect(await writer.get(key, 'never')).toMatchObject({ value: 'new' })
    expect(await reader.get(key, 'never', { read: { freshness: 'committed' } })).toMatchObject({
      value: 'new',
    })
  })
})

describe('maps that differ', { timeout: 40_000 }, () => {
  test('a rolling deploy: the old release writes what only the new one caches', async () => {
    const shared = config({ options: { maxStaleness: '500ms' } })
    const [old] = await fleet.start({ ...shared, app: 'old' })
    await old.ready()
    // It has met no other map yet.
    await old.invalidate({ table: 'revenues', operation: 'insert', rows: [{ org_id: 7 }] })
    const [fresh] = await fleet.start({ ...shared, app: 'new' })
    await fresh.ready()
    const read = (key: string, value: string, freshness: 'bounded' | 'committed' = 'committed') =>
      fresh.get(key, value, { read: { freshness } })
    await read('summary:7', 'seven')
    await read('summary:8', 'eight')
    await old.invalidate({ table: 'revenues', operation: 'insert', rows: [{ org_id: 7 }] })
    // As narrow as the new release's own writes: the row binds the capture of a pattern the old one does not know.
    expect((await read('summary:7', 'seven again')).value).toBe('seven again')
    expect((await read('summary:8', 'never')).value).toBe('eight')
    // A table of both, which reaches a pattern of the new one only.
    await old.invalidate({ table: 'items', operation: 'insert', rows: [{ id: 1 }] })
    expect((await read('summary:8', 'eight again')).value).toBe('eight again')
    // Memory hears of it too, and within T.
    await until(async () => {
      await fresh.get('summary:8', 'never')
      return fresh.peek('summary:8')
    }, 'memory')
    await old.invalidate({ table: 'revenues', operation: 'insert', rows: [{ org_id: 8 }] })
    await until(async () => (await read('summary:8', 'last', 'bounded')).value === 'last', 'T', 2_000)
  })

  test('two applications in one namespace void each other’s values, and do not mix them up', async () => {
    const namespace = uniqueName()
    const [reports, billing] = await fleet.start(
      config({ namespace, app: 'old' }),
      config({ namespace, app: 'billing' }),
    )
    await Promise.all([reports.ready(), billing.ready()])
    const committed = { read: { freshness: 'committed' } } as const
    await billing.get('invoice:7:1', 'an invoice')
    await billing.get('item:1', 'of billing')
    await reports.get('item:1', 'of reports')
    expect((await reports.get('item:1', 'never')).value).toBe('of reports')
    await reports.invalidate({ table: 'revenues', operation: 'insert', rows: [{ org_id: 7 }] })
    expect((await billing.get('invoice:7:1', 'anew', committed)).value).toBe('anew')
    // Of a table that the writer's own map does not name at all.
    await reports.invalidate({ table: 'invoices', operation: 'insert', rows: [{ org_id: 7, number: 1 }] })
    expect((await billing.get('invoice:7:1', 'anew again', committed)).value).toBe('anew again')
    // Keys are each application's own.
    await reports.invalidate({ keys: ['item:1'] })
    expect((await billing.get('item:1', 'never', committed)).value).toBe('of billing')
    expect((await reports.get('item:1', 'read anew', committed)).value).toBe('read anew')
  })
})
