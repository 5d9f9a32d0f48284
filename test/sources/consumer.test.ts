import { type ChangeEvent, defineDependencies, type InvalidateRequests } from 'coherent-cache'
import { createConsumer } from 'coherent-cache/sources'
import { manualClock, settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { type ConsumerOptions, EventConsumer } from '../../src/sources/event-consumer.ts'
import { type Deferred, deferred, errorOf, openCache, openFleet } from '../support/caches.ts'

const dependencies = defineDependencies({ tables: { expenses: ['report:{orgId}'] } })
const spent = (id: string, orgId = 7): ChangeEvent<'expenses'> => ({
  id,
  change: { table: 'expenses', rows: [{ org_id: orgId }], operation: 'insert' },
})

/** A consumer on a clock of the test's, over an invalidate that the test scripts. */
function consumerOf<E = ChangeEvent>(
  options: ConsumerOptions<E> = {},
  invalidate: (change: InvalidateRequests) => Promise<'applied' | 'queued'> = async () => 'applied',
) {
  const clock = manualClock()
  const changes: InvalidateRequests[] = []
  const consumer = new EventConsumer<E>(
    {
      clock,
      randomness: { token: () => '', fraction: () => 0 },
      invalidate: async (change) => {
        changes.push(change)
        const status = await invalidate(change)
        return { status, stamps: [], keys: [], patterns: [], unknownTables: [], durationMs: 0, token: '' }
      },
    },
    options,
  )
  return { clock, changes, consumer }
}

describe('cache.consume', () => {
  test('an event makes void what it names, in other processes too', async () => {
    const { fleet } = await openFleet(2, { dependencies })
    const [consumer, reader] = fleet as [(typeof fleet)[0], (typeof fleet)[0]]
    await reader.get('report:7', async () => 'old')
    expect(await consumer.consume(spent('e1'))).toMatchObject({
      status: 'applied',
      attempts: 1,
      receipt: { status: 'applied' },
    })
    expect(await reader.get('report:7', async () => 'new', { freshness: 'committed' })).toBe('new')
  })

  test('a duplicate is applied once; a late event costs a load and nothing else', async () => {
    const { cache } = openCache({ dependencies })
    let loads = 0
    const read = () => cache.get('report:7', async () => ++loads)
    await cache.consume(spent('e2'))
    expect(await read()).toBe(1)
    expect(await cache.consume(spent('e2'))).toEqual({
      status: 'duplicate',
      receipt: undefined,
      attempts: 0,
    })
    expect(await read()).toBe(1)
    await cache.consume(spent('e1'))
    expect(await read()).toBe(2)
  })

  test('what can never be applied is parked, told, and replayed once it can', async () => {
    const { cache } = openCache({ dependencies, unknownTables: 'error' })
    const told: unknown[] = []
    cache.on('parked', ({ id, attempts }) => told.push([id, attempts]))
    const poison = { id: 'e1', change: { table: 'nowhere' } } as never
    expect(await cache.consume(poison)).toMatchObject({ status: 'parked', attempts: 1 })
    expect(told).toEqual([['e1', 1]])
    expect(cache.consumer.parked).toMatchObject([{ id: 'e1', error: errorOf('UNKNOWN_TABLE') }])
    expect(await cache.consumer.replay('e1')).toMatchObject([{ status: 'parked' }])
    expect(cache.consumer.drop('e1')).toBe(true)
    expect(cache.consumer.parked).toEqual([])
    await expect(cache.consumer.replay('e1')).rejects.toEqual(errorOf('INVALID_ARGUMENT'))
  })

  test('a closed cache consumes nothing', async () => {
    const { cache, clock } = openCache({ dependencies })
    const closing = cache.close({ timeout: 0 })
    await clock.advance(10)
    await closing
    await expect(cache.consume(spent('e1'))).rejects.toEqual(errorOf('CACHE_CLOSED'))
  })
})

describe('createConsumer', () => {
  test('events of any shape, mapped to what they make void', async () => {
    const { cache } = openCache({ dependencies })
    await cache.get('report:7', async () => 'old')
    const consumer = createConsumer(cache, {
      id: (event: { eventId: string; org: number }) => event.eventId,
      change: async ({ org }) => ({ table: 'expenses', rows: [{ org_id: org }], operation: 'insert' }),
    })
    expect(await consumer.consume({ eventId: 'a', org: 7 })).toMatchObject({ status: 'applied' })
    expect(await cache.get('report:7', async () => 'new')).toBe('new')
  })

  test.each([undefined, null, {}, { id: '' }, { id: 7 }])(
    'an event without an id is refused: %j',
    async (event) => {
      const { consumer } = consumerOf()
      await expect(consumer.consume(event as never)).rejects.toEqual(errorOf('INVALID_ARGUMENT'))
    },
  )

  test.each([
    [{ concurrency: 0 }, 'INVALID_OPTION'],
    [{ attempts: 0 }, 'INVALID_OPTION'],
    [{ deadline: 'soon' }, 'INVALID_DURATION'],
    [{ retries: 3 }, 'INVALID_OPTION'],
  ] as const)('an option that is none is refused: %j', (options, code) => {
    expect(() => consumerOf(options as never)).toThrow(errorOf(code))
  })
})

describe('a store that is away', () => {
  test('is waited for, in growing pauses, and the event acknowledged only then', async () => {
    let away = true
    const { clock, changes, consumer } = consumerOf({}, async () => (away ? 'queued' : 'applied'))
    const consumed = consumer.consume(spent('e1'))
    const tries: number[] = []
    for (let at = 0; at <= 1_500; at += 100) {
      await settle()
      tries.push(changes.length)
      if (at === 1_000) away = false
      await clock.advance(100)
    }
    // At 0, 100, 300, 700 and 1,500 ms.
    expect([tries[0], tries[1], tries[3], tries[7], tries[14]]).toEqual([1, 2, 3, 4, 4])
    expect(await consumed).toMatchObject({ status: 'applied', attempts: 5 })
  })

  test('beyond the deadline the broker is told to deliver again, and a second delivery is no duplicate', async () => {
    let away = true
    const { clock, consumer } = consumerOf({ deadline: '2s' }, async () => (away ? 'queued' : 'applied'))
    const outcome = expect(consumer.consume(spent('e1'))).rejects.toEqual(errorOf('TIMEOUT'))
    await settle()
    await clock.advance(2_000)
    await outcome
    away = false
    expect(await consumer.consume(spent('e1'))).toMatchObject({ status: 'applied' })
    expect([consumer.pending, consumer.parked.length]).toEqual([0, 0])
  })
})

describe('trouble in change', () => {
  test('is tried again, and parked after so many attempts, without keeping others', async () => {
    const calls: string[] = []
    const { clock, consumer } = consumerOf<ChangeEvent>({
      attempts: 3,
      change: async (event) => {
        calls.push(event.id)
        if (event.id === 'bad') throw new Error('the database is down')
        return event.change
      },
    })
    const bad = consumer.consume(spent('bad'))
    expect(await consumer.consume(spent('good'))).toMatchObject({ status: 'applied' })
    await clock.advance(100)
    await clock.advance(200)
    expect(await bad).toMatchObject({ status: 'parked', attempts: 3 })
    expect(calls).toEqual(['bad', 'good', 'bad', 'bad'])
    expect(await consumer.consume(spent('bad'))).toMatchObject({ status: 'duplicate' })
  })

  test('a cache that is closed meanwhile leaves the event to another process, and parks nothing', async () => {
    const { cache } = openCache({ dependencies })
    const consumer = createConsumer(cache, { backoff: 1 })
    await cache.close()
    await expect(consumer.consume(spent('e1'))).rejects.toEqual(errorOf('CACHE_CLOSED'))
    expect(consumer.parked).toEqual([])
  })

  test('that never ends is waited for until the deadline, by those behind it too', async () => {
    const change = deferred<InvalidateRequests>()
    let asked = 0
    const { clock, changes, consumer } = consumerOf<ChangeEvent>({
      deadline: '30s',
      concurrency: 1,
      change: (event) => (++asked === 1 ? change.promise : event.change),
    })
    const late = errorOf('TIMEOUT', /within its deadline of 30000 ms/)
    const both = Promise.all(
      ['a', 'b'].map((id) => expect(consumer.consume(spent(id))).rejects.toEqual(late)),
    )
    await clock.advance(30_000)
    await both
    // Its turn goes on, and the broker may deliver both again.
    expect((await consumer.consume(spent('b'))).status).toBe('applied')
    change.reject(new Error('at last'))
    await settle()
    expect([changes.length, consumer.parked]).toEqual([1, []])
  })

  test('that passes leaves no trace', async () => {
    let failing = true
    const { clock, consumer } = consumerOf<ChangeEvent>({
      change: (event) => {
        if (failing) throw new Error('for a moment')
        return event.change
      },
    })
    const consumed = consumer.consume(spent('e1'))
    await settle()
    failing = false
    await clock.advance(100)
    expect(await consumed).toMatchObject({ status: 'applied', attempts: 2 })
    expect(consumer.parked).toEqual([])
  })

  test('with no room to park, the broker keeps the event', async () => {
    const { consumer } = consumerOf<ChangeEvent>({
      attempts: 1,
      mostParked: 1,
      change: () => {
        throw new Error('never')
      },
    })
    expect(await consumer.consume(spent('a'))).toMatchObject({ status: 'parked' })
    await expect(consumer.consume(spent('b'))).rejects.toEqual(errorOf('OVERLOADED'))
    expect(consumer.parked.map(({ id }) => id)).toEqual(['a'])
  })

  test('a replay applies what was parked, and what fails in another way stays parked', async () => {
    let trouble: 'change' | 'store' | undefined = 'change'
    const { clock, consumer } = consumerOf<ChangeEvent>(
      {
        attempts: 1,
        deadline: '1s',
        change: (event) => {
          if (trouble === 'change') throw new Error('no such organisation')
          return event.change
        },
      },
      async () => (trouble === 'store' ? 'queued' : 'applied'),
    )
    await consumer.consume(spent('a'))
    trouble = 'store'
    const replay = expect(consumer.replay()).rejects.toEqual(errorOf('TIMEOUT'))
    await settle()
    await clock.advance(1_000)
    await replay
    expect(consumer.parked).toMatchObject([{ id: 'a', error: errorOf('TIMEOUT') }])
    trouble = undefined
    expect(await consumer.replay()).toMatchObject([{ status: 'applied' }])
    expect(consumer.parked).toEqual([])
  })
})

describe('many at once', () => {
  test('no more than concurrency are handled, the rest in the order of their coming', async () => {
    const held: Deferred<InvalidateRequests>[] = []
    const begun: string[] = []
    const { consumer } = consumerOf<ChangeEvent>({
      concurrency: 2,
      change: (event) => {
        begun.push(event.id)
        const one = deferred<InvalidateRequests>()
        held.push(one)
        return one.promise
      },
    })
    const all = ['a', 'b', 'c', 'd'].map((id) => consumer.consume(spent(id)))
    await settle()
    expect([begun, consumer.pending]).toEqual([['a', 'b'], 4])
    held[1]?.resolve({ keys: ['k'] })
    await settle()
    expect(begun).toEqual(['a', 'b', 'c'])
    held[0]?.resolve({ keys: ['k'] })
    await settle()
    for (const one of held) one.resolve({ keys: ['k'] })
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual(Array(4).fill('applied'))
  })

  test('the same id twice at once is handled once, and both share its fate', async () => {
    let away = true
    const { clock, changes, consumer } = consumerOf({ deadline: '1s' }, async () =>
      away ? 'queued' : 'applied',
    )
    const both = [consumer.consume(spent('a')), consumer.consume(spent('a'))]
    const outcomes = Promise.allSettled(both)
    await settle()
    expect(changes).toHaveLength(1)
    await clock.advance(1_000)
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    away = false
    const again = await Promise.all([consumer.consume(spent('a')), consumer.consume(spent('a'))])
    expect(again.map(({ status }) => status)).toEqual(['applied', 'duplicate'])
  })

  test('5,000 events, each twice, in any order: each applied once', async () => {
    const { changes, consumer } = consumerOf()
    const events = Array.from({ length: 10_000 }, (_, at) => spent(`e${(at * 7_919) % 5_000}`))
    const all = await Promise.all(events.map((event) => consumer.consume(event)))
    expect(changes).toHaveLength(5_000)
    expect(all.filter(({ status }) => status === 'duplicate')).toHaveLength(5_000)
  })

  test('ids beyond those remembered are forgotten: a duplicate then costs one more invalidation', async () => {
    const { changes, consumer } = consumerOf({ remembered: 2 })
    for (const id of ['a', 'b', 'c', 'a', 'c']) await consumer.consume(spent(id))
    expect(changes).toHaveLength(4)
  })
})
