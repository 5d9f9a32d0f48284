import { type Cache, createCache, defineDependencies, type LoaderContext } from 'coherent-cache'
import { type BoundPg, bindPg } from 'coherent-cache/pg'
import { type ManualClock, manualClock, memoryStore } from 'coherent-cache/testing'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { errorOf } from '../support/caches.ts'
import { type PostgresServer, startPostgres } from '../support/postgres.ts'
import { type PostgresReplica, startReplica } from '../support/postgres-replica.ts'
import { until } from '../support/until.ts'

/** A primary, a real streaming replica whose replay is held at will, and a cache that is filled from both. */
const LAG = 30_000
const dependencies = defineDependencies({ tables: { prices: ['price:{id}'], stock: ['stock:{id}'] } })

let server: PostgresServer
let replica: PostgresReplica
let pools: { primary: Pool; replica: Pool }
let clock: ManualClock
let cache: Cache
let db: BoundPg<Pool>
/** Where each query of a test went. */
const went: string[] = []

function open(url: string, name: string): Pool {
  const pool = new Pool({ connectionString: url })
  pool.on('error', () => {})
  pool.on('connect', (client) => {
    const { query } = client
    client.query = ((...given: Parameters<typeof query>) => {
      const [text] = given as unknown as [string]
      if (/prices|stock/.test(text)) went.push(name)
      return query.apply(client, given)
    }) as typeof query
  })
  return pool
}

beforeAll(async () => {
  server = await startPostgres()
  replica = await startReplica(server)
}, 120_000)
afterAll(async () => {
  await replica?.stop()
  await server?.stop()
})
beforeEach(async () => {
  pools = { primary: open(server.url, 'primary'), replica: open(replica.url, 'replica') }
  await replica.resume()
  await pools.primary.query(`
    DROP TABLE IF EXISTS prices, stock;
    CREATE TABLE prices (id int PRIMARY KEY, amount int NOT NULL);
    CREATE TABLE stock (id int PRIMARY KEY, amount int NOT NULL);
    INSERT INTO prices SELECT n, 100 FROM generate_series(1, 50) n;
    INSERT INTO stock SELECT n, 100 FROM generate_series(1, 50) n;
  `)
  await replica.caughtUp()
  clock = manualClock()
  cache = createCache({
    name: 'shop',
    dependencies,
    replicaLag: LAG,
    clock,
    store: memoryStore({ clock }),
  }) as Cache
  await cache.ready()
  await clock.advance(LAG)
  db = bindPg({ primary: pools.primary, replicas: [pools.replica] }, cache)
  went.splice(0)
})
afterEach(async () => {
  const closing = cache.close({ timeout: 0 })
  await clock.advance(10_000)
  await closing
  await replica.resume()
  await Promise.all([pools.primary.end(), pools.replica.end()])
})

const read = (context: Pick<LoaderContext, 'source' | 'position'>, table: string, id: number) =>
  db
    .reader(context)
    .query(`SELECT amount FROM ${table} WHERE id = $1`, [id])
    .then(({ rows }) => rows[0].amount as number)
const priceOf = (id: number) => cache.get(`price:${id}`, (context) => read(context, 'prices', id))
const stockOf = (id: number) => cache.get(`stock:${id}`, (context) => read(context, 'stock', id))
const setPrice = (id: number, amount: number) =>
  db.query('UPDATE prices SET amount = $2 WHERE id = $1 RETURNING *', [id, amount])

describe('a replica that lags', () => {
  test('never refills what was invalidated, while everything else is read from it', async () => {
    expect(await priceOf(1)).toBe(100)
    expect(went).toEqual(['replica'])
    await replica.pause()
    await setPrice(1, 200)
    went.splice(0)
    expect(await priceOf(1)).toBe(200)
    expect(went).toEqual(['primary'])
    expect(await stockOf(1)).toBe(100)
    expect(went).toEqual(['primary', 'replica'])
    const { rows } = await pools.replica.query('SELECT amount FROM prices WHERE id = 1')
    expect(rows[0].amount, 'the replica does not lag').toBe(100)
  })

  test('serves what was invalidated as soon as it has reached the commit', async () => {
    await replica.pause()
    await setPrice(1, 200)
    await setPrice(2, 200)
    await replica.resume()
    await replica.caughtUp()
    // Asked for lately, and not again in vain for a moment.
    went.splice(0)
    expect(await priceOf(1)).toBe(200)
    expect(await priceOf(2)).toBe(200)
    expect(went).toEqual(['replica', 'replica'])
  })

  test('is asked again how far it is after it was behind', async () => {
    await replica.pause()
    await setPrice(1, 200)
    expect(await priceOf(1)).toBe(200)
    await replica.resume()
    await replica.caughtUp()
    const again = (context: LoaderContext) => read(context, 'prices', 1)
    await until(async () => {
      went.splice(0)
      const mark = await cache.mark('price:1')
      expect(mark).toMatchObject({ source: 'primary', position: expect.any(String) })
      expect(await read(mark, 'prices', 1)).toBe(200)
      return went[0] === 'replica'
    }, 'the replica is read')
    expect(await cache.get('price:1', again)).toBe(200)
  })

  test('a hundred commits, each followed by reads, are never read as they were', async () => {
    await replica.pause()
    for (let round = 1; round <= 100; round++) {
      const id = 1 + (round % 50)
      if (round % 20 === 0) {
        await replica.resume()
        if (round % 40 === 0) await replica.caughtUp()
        await replica.pause()
      }
      await setPrice(id, 1_000 + round)
      expect(await Promise.all([priceOf(id), priceOf(id)])).toEqual([1_000 + round, 1_000 + round])
    }
  })

  test('a change whose place in the log nobody told is loaded from the primary, however far the replica is', async () => {
    await setPrice(1, 200)
    await cache.invalidate({ table: 'prices' })
    await replica.caughtUp()
    went.splice(0)
    expect(await priceOf(1)).toBe(200)
    expect(went).toEqual(['primary'])
    await clock.advance(LAG)
    await cache.invalidate({ table: 'stock' })
    went.splice(0)
    expect(await priceOf(3)).toBe(100)
    expect(went).toEqual(['replica'])
  })

  test('without the guard it brings back what was invalidated', async () => {
    await replica.pause()
    await setPrice(1, 200)
    const old = await cache.get('price:1', () => read({ source: 'any' }, 'prices', 1))
    expect(old, 'or the tests above prove nothing').toBe(100)
  })
})

describe('positions', () => {
  test('of a commit are behind its record, with synchronous_commit off too', async () => {
    for (const setting of ['on', 'off']) {
      let token = ''
      let before: unknown
      await db.transaction(async (tx) => {
        await tx.query(`SET LOCAL synchronous_commit = ${setting}`)
        await tx.query('UPDATE prices SET amount = amount + 1 WHERE id = 1')
        const { rows } = await tx.query('SELECT pg_current_wal_insert_lsn() AS lsn')
        before = rows[0].lsn
        tx.onCommitted((receipt) => {
          token = receipt.token
        })
      })
      const position = /~p([\w.]+)/.exec(token)?.[1]?.replace('.', '/')
      expect(position).toMatch(/^[0-9A-F]{8}\/[0-9A-F]{8}$/)
      // The record of the commit lies between the two, whether or not it has been written yet.
      const { rows } = await pools.primary.query('SELECT $1::pg_lsn > $2::pg_lsn AS behind', [
        position,
        before,
      ])
      expect(rows[0].behind, setting).toBe(true)
    }
  })

  test('a read with a token goes to a replica only once it has reached the commit', async () => {
    await replica.pause()
    let token = ''
    await db.transaction(async (tx) => {
      await tx.query('UPDATE prices SET amount = 300 WHERE id = 1 RETURNING *')
      tx.onCommitted((receipt) => {
        token = receipt.token
      })
    })
    // Longer than it is said to lag.
    await clock.advance(2 * LAG)
    await cache.ready()
    went.splice(0)
    expect(await cache.get('price:1', (context) => read(context, 'prices', 1), { token })).toBe(300)
    expect(went).toEqual(['primary'])
  })

  test('a transaction that wrote nothing, or was rolled back, asks for none', async () => {
    await db.transaction((tx) => tx.query('SELECT 1'))
    await expect(
      db.transaction(async (tx) => {
        await tx.query('UPDATE prices SET amount = 0 WHERE id = 1')
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await priceOf(1)).toBe(100)
    expect(went.at(-1)).toBe('replica')
  })
})

describe('reader', () => {
  const any = { source: 'any' } as const

  test('inside a transaction it is that transaction', async () => {
    await db.transaction(async (tx) => {
      await tx.query('UPDATE prices SET amount = 400 WHERE id = 1')
      expect(await read(any, 'prices', 1)).toBe(400)
      await tx.rollback()
    })
    expect(went).toEqual(['primary', 'primary'])
  })

  test('a replica that cannot be reached, or is shut down, is made good by the primary', async () => {
    expect(await read(any, 'prices', 1)).toBe(100)
    const away = new Pool({ host: '127.0.0.1', port: 1, user: 'postgres' })
    const primary = open(server.url, 'primary')
    const bound = bindPg({ primary, replicas: [away] }, cache)
    const { rows } = await bound.reader(any).query('SELECT amount FROM prices WHERE id = 1')
    expect(rows).toEqual([{ amount: 100 }])
    await Promise.all([away.end(), primary.end()])
    await replica.restart()
    expect(await read(any, 'prices', 1)).toBe(100)
    expect(await read(any, 'prices', 1)).toBe(100)
    await until(async () => {
      went.splice(0)
      await read(any, 'prices', 1)
      return went[0] === 'replica'
    }, 'the replica is read again')
  })

  test('what is wrong with a statement is told, and sent once', async () => {
    await expect(db.reader(any).query('SELECT nothing FROM prices')).rejects.toMatchObject({ code: '42703' })
    await expect(db.reader(any).query('UPDATE prices SET amount = 1')).rejects.toMatchObject({
      code: '25006',
    })
    expect(went).toEqual(['replica', 'replica'])
  })

  test('a read that recovery takes away is sent to the primary', async () => {
    const client = await pools.replica.connect()
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    client.release()
    const reading = db
      .reader(any)
      .query('SELECT amount, pg_sleep(3600) FROM prices WHERE id = 1 AND pg_is_in_recovery()')
    const { rows } = await until(async () => {
      const found = await pools.replica.query(
        "SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid()",
      )
      return found.rows.length > 0 ? found : undefined
    }, 'the read runs on the replica')
    await pools.replica.query('SELECT pg_terminate_backend($1)', [rows[0].pid])
    expect((await reading).rows).toEqual([])
    expect(went.at(-1)).toBe('primary')
  })

  test('without replicas it is the pool, and with several they take turns', async () => {
    const [one, other] = [open(server.url, 'primary'), open(server.url, 'primary')]
    const alone = bindPg(one, cache)
    await alone.reader(any).query('SELECT amount FROM prices WHERE id = 1')
    expect(went).toEqual(['primary'])
    const second = open(replica.url, 'second')
    const bound = bindPg({ primary: other, replicas: [pools.replica, second] }, cache)
    for (let n = 0; n < 4; n++) await bound.reader(any).query('SELECT amount FROM prices WHERE id = 1')
    expect(went.splice(1)).toEqual(['replica', 'second', 'replica', 'second'])
    await Promise.all([one.end(), other.end(), second.end()])
  })

  test('bad input is refused', async () => {
    expect(() => db.reader(undefined as never)).toThrow(errorOf('INVALID_ARGUMENT') as never)
    expect(() => db.reader({ source: 'replica' } as never)).toThrow(/does not say from where to read/)
    await expect((db.reader(any) as Pool).query('SELECT 1', (() => {}) as never)).rejects.toThrow(
      /no callback/,
    )
    expect(() => db.reader(any).query({ submit() {} } as never)).toThrow(/cursor or stream/)
    const { primary } = pools
    expect(() => bindPg({ primary, replicas: primary } as never, cache)).toThrow(/is no array/)
    expect(() => bindPg({ primary, replica: [primary] } as never, cache)).toThrow(/replica/)
    expect(() => bindPg({ primary, replicas: [7] } as never, cache)).toThrow(/is no pool/)
    expect(() => bindPg({ primary, replicas: [] }, cache)).toThrow(/bound to this cache already/)
    const unaware = createCache({ name: 'unaware' })
    expect(() => bindPg({ primary, replicas: [pools.replica] }, unaware)).toThrow(/Pass replicaLag/)
    await unaware.close()
  })
})
