import { createCache, defineDependencies, defineKeys, type Store, type StoreDriver } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import { memoryStore } from 'coherent-cache/testing'
import { Redis } from 'ioredis'
import type { BenchCase } from '../case.ts'
import { inFlight, race, type Subject, type Timing } from '../harness.ts'
import { makeItem } from '../measures/measure.ts'

const keys = defineKeys({ item: 'item:{groupId}:{id}' })
const dependencies = defineDependencies({ tables: { items: ['item:{groupId}:*'] } })

/** As many names and arguments as the two scripts of a miss have. */
const NAMES = Array.from({ length: 8 }, (_, at) => `{parts}:name-of-some-length:${at}`)
const ARGS = Array.from({ length: 14 }, (_, at) => `argument-no-${at}`)

/** A subject's name, and what the process spent on it. */
interface Rung {
  readonly label: string
  readonly run: (times: number) => Promise<void>
  cpu: number
  done: number
}

/**
 * What a miss over Redis is made of, from the bottom up: the two commands of a hand-written cache, two scripts that do
 * nothing, the two steps of the store as the engine asks for them, the engine over a store without a wire, the miss.
 */
export const missParts: BenchCase = {
  name: 'miss-parts',
  title: 'What a miss over Redis is made of',
  async run({ quick, redis }) {
    const client = new Redis((await redis()).port)
    const sha = (await client.script('LOAD', 'return { ARGV[1], 1, 1, ARGV[2], false, ARGV[3] }')) as string
    const taken = takenFrom(redisStore({ client }))
    const options = { keys, dependencies, ttl: '1h', storeTimeout: '10s', maxStaleness: '2s' } as const
    const memory = { maxEntries: 2_000 }
    const open = async (name: string, store: StoreDriver) => {
      const cache = createCache({ ...options, name, memory, store })
      await cache.ready({ timeout: '10s' })
      return cache
    }
    const [overRedis, overMemory] = [await open('redis', taken.driver), await open('memory', memoryStore())]
    let next = 0
    const nextKey = () => `item:g${next % 16}:${next++}`
    const miss = (cache: typeof overRedis) => async (times: number) => {
      for (let at = 0; at < times; at++) {
        const key = nextKey()
        await cache.get(key, async () => makeItem(key))
      }
    }
    await miss(overRedis)(1)
    const text = JSON.stringify(makeItem('item:g0:1234'))
    const evalsha = client as unknown as {
      callBuffer(command: 'evalsha', ...args: unknown[]): Promise<unknown>
    }
    const rungs = [
      rung('GET and SET', async (times) => {
        for (let at = 0; at < times; at++) {
          const key = nextKey()
          await client.get(key)
          await client.set(key, text, 'PX', 3_600_000)
        }
      }),
      rung('two scripts that do nothing', async (times) => {
        for (let at = 0; at < 2 * times; at++)
          await evalsha.callBuffer('evalsha', sha, NAMES.length, ...NAMES, nextKey(), ...ARGS)
      }),
      rung('the two steps of the store', async (times) => {
        for (let at = 0; at < times; at++) await taken.readAndFill(nextKey())
      }),
      rung('a miss over a store in memory', miss(overMemory)),
      rung('a miss', miss(overRedis)),
      rung('GET and SET, 64 in flight', (times) =>
        inFlight(64, times, async () => {
          const key = nextKey()
          await client.get(key)
          await client.set(key, text, 'PX', 3_600_000)
        }),
      ),
      rung('a miss, 64 in flight', (times) => inFlight(64, times, () => miss(overRedis)(1))),
    ]
    const timings = await race(
      rungs.map((one): Subject => ({ name: one.label, run: counted(one) })),
      { rounds: quick ? 7 : 15, roundMs: 60, warmUpMs: 1_500 },
    )
    const scripts = await timeOfScripts(client, () => miss(overRedis)(500))
    for (const cache of [overRedis, overMemory]) await cache.close()
    client.disconnect()
    const [base] = timings as readonly [Timing, ...Timing[]]
    const of = (label: string) => timings[rungs.findIndex((one) => one.label === label)]?.costOf(base).median
    return {
      tables: [
        {
          caption: 'One at a time, unless it says otherwise',
          columns: ['µs', 'times GET and SET', "µs of the process's CPU"],
          rows: rungs.map(({ label, cpu, done }, at) => ({
            label,
            cells: [(timings[at] as Timing).microseconds, (timings[at] as Timing).costOf(base), cpu / done],
          })),
          note: `Redis itself spends ${scripts.toFixed(0)} µs on the two scripts of a miss. A store in memory takes part of the engine's time for itself. CPU: user and system, by the operating system's account.`,
        },
      ],
      measures: {
        'the store': of('the two steps of the store') ?? Number.NaN,
        'a miss': of('a miss') ?? Number.NaN,
      },
    }
  },
}

function rung(label: string, run: Rung['run']): Rung {
  return { label, run, cpu: 0, done: 0 }
}

/** Runs it, and adds up what that cost the process. */
function counted(one: Rung): Rung['run'] {
  return async (times) => {
    const before = process.cpuUsage()
    await one.run(times)
    const { user, system } = process.cpuUsage(before)
    one.cpu += user + system
    one.done += times
  }
}

/** The store that a cache is given, and its two steps of a miss as the cache last asked for them, for other keys. */
function takenFrom(driver: StoreDriver) {
  let store: Store | undefined
  let item: Parameters<Store['read']>[0][number] | undefined
  let fill: Parameters<Store['fill']>[0] | undefined
  return {
    driver: {
      ...driver,
      connect(session: Parameters<StoreDriver['connect']>[0]): Store {
        const made = driver.connect(session)
        store = made
        return new Proxy(made, {
          get(target, name) {
            const value: unknown = Reflect.get(target, name, target)
            if (typeof value !== 'function') return value
            return (...args: unknown[]) => {
              if (name === 'read') item = (args as Parameters<Store['read']>)[0][0]
              if (name === 'fill') fill = (args as Parameters<Store['fill']>)[0]
              return value.apply(target, args)
            }
          },
        })
      },
    } as StoreDriver,
    async readAndFill(key: string): Promise<void> {
      if (store === undefined || item?.claim === undefined || fill === undefined)
        throw new Error('No miss was seen.')
      const place = { key, shard: key }
      const nonce = `${key}................`.slice(0, 16)
      const { results } = await store.read([{ ...item, ...place, claim: { ...item.claim, nonce } }])
      const { tokens = [], epoch = '' } = results[0] ?? {}
      const { stored } = await store.fill({ ...fill, ...place, nonce, tokens, epoch })
      if (!stored) throw new Error('A fill was refused.')
    },
  }
}

/** Microseconds that Redis spends on scripts meanwhile, for each of 500. */
async function timeOfScripts(client: Redis, work: () => Promise<void>): Promise<number> {
  await client.config('RESETSTAT')
  await work()
  const found = /^cmdstat_evalsha:calls=\d+,usec=(\d+)/m.exec(await client.info('commandstats'))
  return Number(found?.[1]) / 500
}
