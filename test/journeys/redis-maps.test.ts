import { defineDependencies } from 'coherent-cache'
import { expect, inject, test } from 'vitest'
import { keysOf, openClient, openRedisCache, row, uniqueName } from '../support/redis-caches.ts'
import { keysUnder } from '../support/redis-clients.ts'
import { until } from '../support/until.ts'

const older = defineDependencies({ tables: { users: ['user:{id}'] } })
const newer = defineDependencies({ tables: { users: ['user:{id}', 'summary:{id}'] } })
const WRITE = { table: 'users', operation: 'insert', rows: [{ id: 1 }] } as const

/** The name under which the skeleton of the only map but `own` stands. */
async function skeletonBut(own: readonly string[], name: string): Promise<string> {
  const keys = await keysUnder(openClient(), `${keysOf(name)}0}:map:`)
  const other = keys.find((key) => !own.includes(key))
  if (other === undefined) throw new Error('There is no other skeleton.')
  return other
}

test.each([
  ['was evicted', undefined],
  ['is another one', '{"format":1,"tables":{},"patterns":[],"scopes":[]}'],
  ['is garbage', 'garbage'],
])('a skeleton that %s voids what its readers hold, until they have registered anew', async (_, text) => {
  const name = uniqueName()
  const admin = openClient(inject('redisPort'))
  const { cache: writer } = openRedisCache({ name, dependencies: older })
  await writer.ready()
  const own = await keysUnder(admin, `${keysOf(name)}0}:map:`)
  const { cache: reader } = openRedisCache({ name, dependencies: newer })
  await reader.ready()
  const skeleton = await skeletonBut(own, name)
  const summary = row('old')
  const user = row('of the writer')
  await until(async () => {
    await reader.get('summary:1', summary.load)
    return reader.peek('summary:1') !== undefined
  }, 'memory')
  await writer.get('user:2', user.load)

  if (text === undefined) await admin.call('UNLINK', skeleton)
  else await admin.call('SET', skeleton, text)
  summary.value = 'new'
  // It resolves: not finding the map out is no reason to go on for ever.
  expect((await writer.invalidate(WRITE)).status).toBe('applied')
  expect(await reader.get('summary:1', summary.load, { freshness: 'committed' })).toBe('new')
  await until(async () => (await reader.get('summary:1', summary.load)) === 'new', 'T', 3_000)
  // Nobody else had to pay for it.
  expect(await writer.get('user:2', user.load, { freshness: 'committed' })).toBe('of the writer')
  expect(user.loads).toBe(1)

  // Whoever read has registered again, so that the next change is as narrow as ever.
  await until(async () => {
    const there = await admin.call('GET', skeleton)
    return typeof there === 'string' && there !== text
  }, 'the skeleton to be back')
  const other = row('another')
  await reader.get('summary:2', other.load)
  summary.value = 'newer'
  expect((await writer.invalidate(WRITE)).status).toBe('applied')
  expect(await reader.get('summary:1', summary.load, { freshness: 'committed' })).toBe('newer')
  expect(await reader.get('summary:2', other.load, { freshness: 'committed' })).toBe('another')
  expect(other.loads).toBe(1)
})

test('changes made at once, when a new map is met for the first time, all reach its readers', async () => {
  for (let round = 0; round < 5; round++) {
    const name = uniqueName()
    const { cache: writer } = openRedisCache({ name, dependencies: older })
    await writer.ready()
    const { cache: reader } = openRedisCache({ name, dependencies: newer, memory: false })
    await reader.ready()
    const ids = Array.from({ length: 20 }, (_, id) => id)
    await Promise.all(ids.map((id) => reader.get(`summary:${id}`, async () => 'old')))
    await Promise.all(
      ids.map((id) => writer.invalidate({ table: 'users', operation: 'insert', rows: [{ id }] })),
    )
    const read = await Promise.all(
      ids.map((id) => reader.get(`summary:${id}`, async () => 'new', { freshness: 'committed' })),
    )
    expect(new Set(read)).toEqual(new Set(['new']))
  }
})

test('scopes and patterns that another release does not have', async () => {
  const name = uniqueName()
  const { cache: writer } = openRedisCache({
    name,
    dependencies: defineDependencies({ tables: { users: ['user:{id}', 'page:*'] }, scopes: ['id'] }),
  })
  const { cache: reader } = openRedisCache({ name, dependencies: older, memory: false })
  await Promise.all([writer.ready(), reader.ready()])
  const read = (key: string, value: string) => reader.get(key, async () => value, { freshness: 'committed' })
  await read('page:1', 'old')
  await read('user:1', 'old')
  await writer.invalidate({ pattern: 'page:*' })
  expect(await read('page:1', 'new')).toBe('new')
  await writer.invalidate({ scope: { id: 1 } })
  expect(await read('user:1', 'new')).toBe('new')
})
