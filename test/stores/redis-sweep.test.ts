import { redisStore } from 'coherent-cache/redis'
import { Redis } from 'ioredis'
import { afterAll, afterEach, describe, expect, inject, test } from 'vitest'
import { Pattern } from '../../src/core/pattern.ts'
import { Layout } from '../../src/stores/redis/layout.ts'
import type { Servers } from '../../src/stores/redis/servers.ts'
import { sweepKeys } from '../../src/stores/redis/sweep.ts'
import { Bench } from '../../src/testing/conformance/bench.ts'
import { startRedis } from '../support/redis.ts'
import { unlinkUnder } from '../support/redis-clients.ts'
import { until } from '../support/until.ts'

const NAMESPACE = 'test-sweep'
const client = new Redis({ port: inject('redisPort'), host: '127.0.0.1' })
const layout = new Layout('', NAMESPACE, 'shop', 0)
const pattern = new Pattern('page:*', 'test')
const KEY = 'page:1'
afterAll(() => client.disconnect())
afterEach(() => unlinkUnder(client as never, `cc:{${NAMESPACE}.`))

/** A load that was running when the sweep began: it stores its value, from before, if it still has its claim. */
async function fill(): Promise<void> {
  if ((await client.get(layout.claim(KEY))) === null) return
  await client.set(layout.value(KEY), 'from before')
  await client.unlink(layout.claim(KEY))
}

/** Sweeps, the load coming home after so many of its steps. @returns how many steps there were */
async function sweepWithFillAfter(step: number): Promise<number> {
  await client.mset(layout.value(KEY), 'old', layout.claim(KEY), 'a nonce')
  let steps = 0
  if (step === 0) await fill()
  const servers = {
    owners: async () => [client],
    unlink: (names: readonly string[]) => client.unlink(...names),
  } as unknown as Servers
  await sweepKeys(servers, [layout], [pattern], async (run) => {
    const result = await run()
    if (++steps === step) await fill()
    return result
  })
  return steps
}

describe('a sweep', () => {
  test('leaves no value from before, whenever a load that was running comes home', async () => {
    const steps = await sweepWithFillAfter(Number.POSITIVE_INFINITY)
    expect(steps).toBeGreaterThanOrEqual(4)
    for (let step = 0; step <= steps; step++) {
      await sweepWithFillAfter(step)
      expect(await client.get(layout.value(KEY)), `the load came home after step ${step}`).toBeNull()
    }
  })

  test('is told of when all is gone', async () => {
    // Of its own: ioredis takes what others send in the moment in which a monitor begins for answers, and gives up.
    const redis = await startRedis()
    const client = new Redis({ port: redis.port, host: '127.0.0.1' })
    const bench = new Bench({
      driver: redisStore({ client: client as never }),
      pass: () => {},
      evict: () => {},
      lose: (namespace) => unlinkUnder(client as never, `cc:{${namespace}.`),
    })
    const monitor = await client.monitor()
    try {
      const one = await bench.join()
      await one.put(KEY)
      const seen: string[] = []
      monitor.on('monitor', (_, args: string[]) => {
        if (args.some((arg) => arg.includes(bench.namespace))) seen.push((args[0] ?? '').toUpperCase())
      })
      await one.store.sweep([pattern], one.cause())
      await until(() => seen.includes('PUBLISH'), 'the message')
      expect(seen).toContain('SCAN')
      expect(seen.filter((command) => command === 'SCAN' || command === 'PUBLISH').at(-1)).toBe('PUBLISH')
      expect(seen.indexOf('PUBLISH')).toBeGreaterThan(seen.lastIndexOf('SCAN'))
    } finally {
      monitor.disconnect()
      await bench.close()
      client.disconnect()
      await redis.stop()
    }
  })
})
