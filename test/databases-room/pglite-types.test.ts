import type { PGlite, PGliteInterface, Results, Transaction } from '@electric-sql/pglite'
import type { Receipt, UnitOfWork } from 'coherent-cache'
import { type BoundPglite, bindPglite, type PGliteLike, type PGliteSession } from 'coherent-cache/pglite'
import { expectTypeOf, test } from 'vitest'

type Handle<Client extends PGliteLike> = Parameters<Parameters<BoundPglite<Client>['transaction']>[0]>[0]

test('the shape that is used is that of the real package', () => {
  expectTypeOf<PGlite>().toExtend<PGliteLike>()
  expectTypeOf<PGliteInterface>().toExtend<PGliteLike>()
  expectTypeOf<Transaction>().toExtend<PGliteSession>()
  expectTypeOf(bindPglite<PGlite>)
    .parameter(0)
    .toEqualTypeOf<PGlite>()
})

test('methods keep the types of the client', () => {
  expectTypeOf<BoundPglite<PGlite>['query']>().toEqualTypeOf<PGlite['query']>()
  expectTypeOf<BoundPglite<PGlite>['exec']>().toEqualTypeOf<PGlite['exec']>()
  expectTypeOf<Handle<PGlite>['sql']>().toEqualTypeOf<PGlite['sql']>()
  const rows = (db: BoundPglite<PGlite>) =>
    db.query<{ id: number }>('SELECT 1 AS id', [1], { rowMode: 'object' })
  expectTypeOf(rows).returns.toEqualTypeOf<Promise<Results<{ id: number }>>>()
})

test('a transaction is of the type of its body', () => {
  const run = (db: BoundPglite<PGlite>) =>
    db.transaction((tx) => tx.transaction(async (nested) => nested.unit.id.length))
  expectTypeOf(run).returns.toEqualTypeOf<Promise<number>>()
  expectTypeOf<Handle<PGlite>['unit']>().toEqualTypeOf<UnitOfWork>()
  expectTypeOf<Handle<PGlite>['onCommitted']>().parameter(0).toEqualTypeOf<(receipt: Receipt) => void>()
})
