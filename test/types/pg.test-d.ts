/** What the compiler makes of `bindPg` over the real package. Checked by `tsc --noEmit` alone; nothing here runs. */
import type { Receipt, UnitOfWork } from 'coherent-cache'
import { createCache } from 'coherent-cache'
import { type BoundPg, bindPg, type PgClientLike, type PgPoolLike } from 'coherent-cache/pg'
import {
  type Client,
  Pool,
  type PoolClient,
  type QueryArrayResult,
  type QueryConfig,
  type QueryResult,
  type Submittable,
} from 'pg'
import { describe, expectTypeOf, test } from 'vitest'

const cache = createCache({ name: 'types' })
const db = bindPg(new Pool(), cache)
type Handle = Parameters<Parameters<typeof db.transaction>[0]>[0]

interface Payment {
  readonly id: number
  readonly amount: number
}

class Cursor implements Submittable {
  submit = () => {}
  read(_rows: number): Promise<Payment[]> {
    return Promise.resolve([])
  }
}

describe('the shape that is used', () => {
  test('isThatOfTheRealPackage', () => {
    expectTypeOf<Pool>().toExtend<PgPoolLike>()
    expectTypeOf<PoolClient>().toExtend<PgClientLike>()
    expectTypeOf(db).toEqualTypeOf<BoundPg<Pool>>()
    class Reporting extends Pool {}
    expectTypeOf(bindPg(new Reporting(), cache).query).toEqualTypeOf<Pool['query']>()
  })

  test('isNoClients', () => {
    // @ts-expect-error a client has no pool's connect
    bindPg({ query: async () => ({ rows: [] }) }, cache)
    // @ts-expect-error there is no such option
    bindPg(new Pool(), cache, { detect: 'auto' })
    // @ts-expect-error there is no such way
    bindPg(new Pool(), cache, { detectWrites: 'all' })
    expectTypeOf<Client>().not.toExtend<PoolClient>()
  })
})

describe('query', () => {
  test('keepsTheTypesOfThePool', () => {
    expectTypeOf(db.query).toEqualTypeOf<Pool['query']>()
    expectTypeOf<Handle['query']>().toEqualTypeOf<Pool['query']>()
  })

  test('everyForm_insideATransaction', async () => {
    await db.transaction(async (tx) => {
      expectTypeOf(tx.query<Payment>('SELECT 1')).resolves.toEqualTypeOf<QueryResult<Payment>>()
      expectTypeOf(tx.query<Payment>({ name: 'one', text: 'SELECT $1', values: [1] })).resolves.toEqualTypeOf<
        QueryResult<Payment>
      >()
      expectTypeOf(
        tx.query<[number, number]>({ text: 'SELECT 1, 2', rowMode: 'array' }),
      ).resolves.toEqualTypeOf<QueryArrayResult<[number, number]>>()
      const config: QueryConfig<[number]> = { text: 'SELECT $1', values: [1] }
      expectTypeOf((await tx.query<Payment, [number]>(config)).rows).toEqualTypeOf<Payment[]>()
      expectTypeOf(tx.query(new Cursor())).toEqualTypeOf<Cursor>()
      // @ts-expect-error values are given in an array
      tx.query('SELECT $1', 7)
    })
  })
})

describe('a transaction', () => {
  test('isOfTheTypeOfItsBody', () => {
    expectTypeOf(
      db.transaction(async (tx) => (await tx.query<Payment>('SELECT')).rows[0]),
    ).resolves.toEqualTypeOf<Payment | undefined>()
    expectTypeOf(
      db.transaction((tx) => tx.transaction((nested) => nested.unit.id.length)),
    ).resolves.toEqualTypeOf<number>()
    expectTypeOf<Handle['unit']>().toEqualTypeOf<UnitOfWork>()
    expectTypeOf<Handle['onCommitted']>().parameter(0).toEqualTypeOf<(receipt: Receipt) => void>()
  })

  test('hasOptions', () => {
    db.transaction(() => 1, {
      isolation: 'serializable',
      readOnly: true,
      retries: 3,
      name: 'pay',
      trace: 'a',
    })
    // @ts-expect-error there is no such level
    db.transaction(() => 1, { isolation: 'snapshot' })
    // @ts-expect-error the connection is the library's to release
    db.transaction((tx) => tx.release())
  })
})
