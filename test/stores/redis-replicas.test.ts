import { redisStore } from 'coherent-cache/redis'
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest'
import { Bench, type Process } from '../../src/testing/conformance/bench.ts'
import { age, connectTo, keysUnder, unlinkUnder } from '../support/redis-clients.ts'

/** What was rotated lately, when part of what Redis holds of it is lost. */
const LAG = 60_000
const client = connectTo(inject('redisPort'))
afterAll(() => client.disconnect())

let bench: Bench
let one: Process
beforeEach(async () => {
  bench = new Bench({
    driver: redisStore({ client }),
    pass: (milliseconds, namespace) => age(client, `cc:{${namespace}.`, milliseconds),
    evict: () => {},
    lose: (namespace) => unlinkUnder(client, `cc:{${namespace}.`),
  })
  one = await bench.join({ replicaLagMs: LAG })
  await one.rotate(['beginning'])
  await bench.pass(LAG + 1_000)
})
afterEach(() => bench.close())

const name = (what: string) => `cc:{${bench.namespace}.0}:${what}`
const sourceOf = async (stamp: string) =>
  (await one.read('user:1', undefined, { stamps: [stamp] })).from.source

test('a state record that is lost says nothing of what was rotated before', async () => {
  expect(await sourceOf('user:*')).toBe('any')
  await client.call('UNLINK', name('state'))
  expect(await sourceOf('user:*')).toBe('primary')
  await bench.pass(LAG + 1_000)
  expect(await sourceOf('user:*')).toBe('any')
})

test.each(['recent', 'before'])(
  '%s, evicted: nothing is certain until replicas have caught up',
  async (hash) => {
    await one.rotate(['user:*'])
    await bench.pass(LAG - 5_000)
    // The second is noted in the next hash.
    await one.rotate(['order:*'])
    expect(await keysUnder(client, name('')), 'or the test proves nothing').toContain(name(hash))
    expect(await sourceOf('page:*')).toBe('any')
    await client.call('UNLINK', name(hash))
    for (const stamp of ['user:*', 'order:*', 'page:*']) expect(await sourceOf(stamp)).toBe('primary')
    await bench.pass(LAG + 1_000)
    for (const stamp of ['user:*', 'order:*', 'page:*']) expect(await sourceOf(stamp)).toBe('any')
  },
)

test('what is not of the kind it should be is replaced, and nothing is certain meanwhile', async () => {
  for (const hash of ['recent', 'before']) {
    await client.call('SET', name(hash), 'somebody else’s')
    await one.rotate(['user:*'])
    expect(await sourceOf('user:*')).toBe('primary')
    await bench.pass(LAG + 1_000)
    await one.rotate(['other:*'])
    expect(await sourceOf('user:*')).toBe('any')
  }
})

test('notes do not outlive their use: at most those of twice the time are kept', async () => {
  for (let round = 0; round < 10; round++) {
    await one.rotate(Array.from({ length: 200 }, (_, at) => `round:${round}:${at}:*`))
    await bench.pass(LAG / 2)
  }
  const kept = await Promise.all(['recent', 'before'].map((hash) => client.call('HLEN', name(hash))))
  expect((kept[0] as number) + (kept[1] as number)).toBeLessThanOrEqual(5 * 201)
})

test('without replicas nothing is noted', async () => {
  const other = new Bench({
    driver: redisStore({ client }),
    pass: () => {},
    evict: () => {},
    lose: (namespace) => unlinkUnder(client, `cc:{${namespace}.`),
  })
  const plain = await other.join()
  await plain.read('user:1')
  await plain.rotate(['user:*'])
  const keys = await keysUnder(client, `cc:{${other.namespace}.0}:`)
  expect(keys.filter((key) => /recent|before/.test(key))).toEqual([])
  await other.close()
})
