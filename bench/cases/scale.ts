import { setTimeout as sleep } from 'node:timers/promises'
import { type Cache, defineDependencies, defineKeys } from 'coherent-cache'
import { Redis } from 'ioredis'
import type { BenchCase, Table } from '../case.ts'
import { inFlight, race, type Spread, type Subject, spread, type Timing } from '../harness.ts'
import { Fleet } from '../support/fleet.ts'
import { Pinger } from '../support/pinger.ts'
import { openOnRedis, whenLeaseHeld } from '../support/redis-caches.ts'
import { redisLoad } from '../support/redis-load.ts'

const keys = defineKeys({ item: 'item:{groupId}:{id}' })
/** Keys that are read over and over; each of a tenant of its own. */
const READ = 500

/** Maps of so many patterns, of which so many match the keys that are read. */
function mapOf(patterns: number, matching: number) {
  const invalidates = Array.from({ length: patterns }, (_, at) => {
    if (at === 0) return 'item:{groupId}:*'
    return at < matching ? `item:{groupId}*${at}*` : `other${at}:{groupId}:*`
  })
  return defineDependencies({ tables: { items: invalidates.slice(0, 1), others: invalidates } })
}

const OPERATIONS = ['in memory', 'in Redis', 'miss', "table's row", 'table'] as const
type Operation = (typeof OPERATIONS)[number]

/** One size of something, with what each operation took. */
interface Measured {
  readonly label: string
  readonly microseconds: Readonly<Record<Operation, Spread>>
  readonly longestPing: Spread
}

/**
 * What grows with the size of things: a hit in memory, a hit in Redis by a read that asks for the present, a miss with an
 * instant loader, and invalidations of a tenant's group and of a table's; at 1 k and 1 M keys in Redis (ballast of the
 * layout and size of real ones), with 1 and 100 k tenants whose stamps this process knows, with 1 and 50 patterns in the
 * map of which 1 or 8 match. The longest that another connection's PING waited meanwhile. Then a channel with 0, 10 and
 * 50 subscribers: what an invalidation costs its sender and Redis, and when it has been applied elsewhere.
 */
export const scale: BenchCase = {
  name: 'scale',
  title: 'What grows with keys, tenants, patterns and processes',
  guards: [
    {
      measure: 'keys',
      is: 'times as long, at most, with the most keys in Redis as with the fewest',
      atMost: 4,
    },
    { measure: 'tenants', is: 'times as long, at most, with the most tenants as with one', atMost: 6 },
  ],
  async run({ quick, redis }) {
    const { port } = await redis()
    const client = new Redis(port)
    const pinger = await Pinger.start(port)
    const open = (name: string, patterns = 1, matching = 1) =>
      openOnRedis(client, {
        name,
        keys,
        dependencies: mapOf(patterns, matching),
        maxStaleness: '4s',
        memory: { maxEntries: 200_000 },
      })
    const found: Measured[] = []
    const compare = async (caches: readonly (readonly [label: string, cache: Cache])[]) => {
      const rooms = caches.map(([label, cache]) => ({ label, subjects: operations(cache) }))
      for (const [, cache] of caches) {
        for (let id = 0; id < READ; id++) await cache.get(key(id), load)
        await whenLeaseHeld(cache)
      }
      const effort = { rounds: quick ? 5 : 9, roundMs: 20, warmUpMs: 100 }
      const pings: number[] = []
      let timings: readonly Timing[] = []
      pings.push(
        await pinger.longest(async () => {
          timings = await race(
            rooms.flatMap(({ subjects }) => subjects),
            effort,
          )
        }),
      )
      for (const [at, { label }] of rooms.entries()) {
        const own = timings.slice(at * OPERATIONS.length, (at + 1) * OPERATIONS.length)
        found.push({
          label,
          microseconds: Object.fromEntries(
            OPERATIONS.map((name, index) => [name, (own[index] as Timing).microseconds]),
          ) as Record<Operation, Spread>,
          longestPing: spread(pings),
        })
      }
    }

    const idle = await pinger.longest(() => sleep(1_000))
    const small = await open('small')
    await compare([['1 tenant', small]])
    const many = quick ? 5_000 : 100_000
    const tenants = await open('tenants')
    await inFlight(64, many, () => tenants.get(key(filled++ + READ), load))
    await compare([[`${many / 1_000} k tenants`, tenants]])
    const known = tenants.stats().stamps
    await tenants.close()
    const fifty = await open('fifty', 50)
    const matching = await open('matching', 50, 8)
    await compare([
      ['1 pattern', small],
      ['50 patterns, 1 matches', fifty],
      ['50 patterns, 8 match', matching],
    ])
    const before = await client.dbsize()
    await compare([[`${Math.round(before / 1_000)} k keys in Redis`, small]])
    const ballast = quick ? 50_000 : 500_000
    const stalled = await pinger.longest(() => addBallast(client, ballast))
    await compare([[`${((before + ballast) / 1e6).toFixed(1)} M keys in Redis`, small]])
    for (const cache of [small, fifty, matching]) await cache.close()

    const channels: Table['rows'][number][] = []
    for (const subscribers of quick ? [0, 5] : [0, 10, 50]) {
      const namespace = `fleet-${subscribers}`
      const fleet = await Fleet.open(subscribers, 5, { port, namespace, maxStaleness: '4s' })
      const cache = await openOnRedis(client, {
        name: 'bench',
        instance: 'writer',
        namespace,
        maxStaleness: '4s',
        keys,
        dependencies: mapOf(1, 1),
      })
      const invalidate = () =>
        cache.invalidate({ keys: [`sent:${performance.timeOrigin + performance.now()}`] })
      for (let at = 0; at < 50; at++) await invalidate()
      await fleet.delays()
      const rounds: number[] = []
      const times = quick ? 50 : 300
      const load = await redisLoad(client, async () => {
        for (let at = 0; at < times; at++) {
          const began = performance.now()
          await invalidate()
          rounds.push((performance.now() - began) * 1e3)
          await sleep(5)
        }
      })
      await sleep(100)
      const delays = (await fleet.delays()).sort((one, other) => one - other)
      const at = (share: number) => delays[Math.floor(share * (delays.length - 1))]
      channels.push({
        label: `${subscribers} subscribers`,
        cells: [spread(rounds).median, (load.cpu * 1e6) / times, load.bytesOut / times, at(0.5), at(0.99)],
      })
      await cache.close()
      await fleet.close()
    }
    pinger.end()
    client.disconnect()

    const medians = (label: RegExp) => {
      const one = found.find((measured) => label.test(measured.label))
      return OPERATIONS.map((name) => one?.microseconds[name].median ?? Number.NaN)
    }
    const growth = (from: RegExp, to: RegExp) => {
      const [few, lots] = [medians(from), medians(to)]
      return lots.map((value, index) => value / (few[index] as number))
    }
    const times = (what: string, from: RegExp, to: RegExp) => ({ label: what, cells: growth(from, to) })
    const grown = [
      times('tenants', /^1 tenant/, / tenants$/),
      times('patterns, 1 matches', /^1 pattern$/, / 1 matches$/),
      times('patterns, 8 match', /^1 pattern$/, / 8 match$/),
      times('keys in Redis', /\d k keys/, /M keys/),
    ]
    const most = (label: string) => Math.max(...(grown.find((one) => one.label === label)?.cells ?? []))
    return {
      tables: [
        {
          caption: 'Microseconds, medians',
          columns: [...OPERATIONS, 'PING, ms'],
          rows: found.map(({ label, microseconds, longestPing }) => ({
            label,
            cells: [...OPERATIONS.map((name) => microseconds[name].median), longestPing.median],
          })),
          note: `One at a time. PING: the longest wait of another connection meanwhile, ${idle.toFixed(1)} ms while nothing runs for 1 s. With ${many} tenants this process knew ${known} stamps. While ${ballast} keys were added, in scripts of 1,000, a PING waited ${stalled.toFixed(1)} ms at most.`,
        },
        { caption: 'Times as long', columns: [...OPERATIONS], rows: grown },
        {
          caption: 'An invalidation, by processes that hear it',
          columns: ['µs', 'µs of Redis', 'B out', 'applied, ms', 'p99'],
          rows: channels,
          note: 'µs: to its sender, median; µs of Redis: processor time, all that it did meanwhile; B out: bytes that Redis sent; applied: from before the sending until the process has dropped what it held, median.',
        },
      ],
      measures: { keys: most('keys in Redis'), tenants: most('tenants') },
    }
  },
}

let filled = 0
const key = (id: number) => keys.item({ groupId: id, id })
const load = async () => ({ id: 1, amount: 100, note: 'x'.repeat(100) })
let fresh = 1_000_000_000

function operations(cache: Cache): Subject[] {
  let turn = 0
  const run: Record<Operation, () => Promise<unknown>> = {
    'in memory': () => cache.get(key(turn++ % READ), load),
    'in Redis': () => cache.get(key(turn++ % READ), load, { freshness: 'committed' }),
    miss: () => cache.get(key(fresh++), load),
    "table's row": () =>
      cache.invalidate({ table: 'items', operation: 'insert', rows: [{ group_id: 1_000_000 }] }),
    table: () => cache.invalidate({ table: 'others' }),
  }
  return OPERATIONS.map((name) => ({
    name,
    // What has been voided is filled again before hits are measured.
    prepare: async () => {
      if (!name.startsWith('in ')) return
      await inFlight(64, READ, () => cache.get(key(turn++ % READ), load))
    },
    run: async (times: number) => {
      for (let at = 0; at < times; at++) await run[name]()
    },
  }))
}

/** Keys of the layout and size of real values and stamps, added by scripts that are short. */
async function addBallast(client: Redis, count: number): Promise<void> {
  const EACH = 1_000
  const script = `for at = ARGV[1], ARGV[1] + ARGV[2] - 1, 2 do
    redis.call('SET', 'cc:{ballast.0}:v:bench:item:' .. at .. ':' .. at, ARGV[3])
    redis.call('SET', 'cc:{ballast.0}:s:item:{groupId}:*|' .. at, string.sub(ARGV[3], 1, 29))
  end`
  for (let at = 0; at < count; at += EACH) await client.eval(script, 0, at, EACH, 'x'.repeat(240))
}
