import assert from 'node:assert/strict'
import { inTime, type Play, rejection } from './room.ts'

const item = (id: number, orgId = 7) => `INSERT INTO items (id, org_id, amount) VALUES (${id}, ${orgId}, 1)`

/** What belongs to which transaction. */
export const unitCases = {
  async 'a savepoint that is kept'(room) {
    await room.fill('item:7:total', 'audit:count')
    await room.db.transaction(async (tx) => {
      await room.db.sql(tx, item(70))
      tx.write('items')
      await tx.transaction(async (nested) => {
        await room.db.sql(nested, "INSERT INTO audit VALUES ('nested')")
        nested.write('audit')
      })
    })
    room.assertTold(['audit:*', 'item:{orgId}:*'])
    await room.assertTrue('item:7:total', 'audit:count')
  },

  async 'a savepoint that is dropped'(room) {
    await room.fill('item:7:total', 'audit:count')
    const thrown = new Error('only this part')
    await room.db.transaction(async (tx) => {
      await room.db.sql(tx, item(70))
      tx.write('items')
      const dropped = tx.transaction(async (nested) => {
        await room.db.sql(nested, "INSERT INTO audit VALUES ('nested')")
        nested.write('audit')
        throw thrown
      })
      assert.equal(await rejection(dropped), thrown)
      await room.db.sql(tx, item(71))
    })
    room.assertTold(['item:{orgId}:*'])
    assert.deepEqual([await room.items(7), await room.number('SELECT count(*) AS n FROM audit')], [2, 0])
    await room.assertTrue('item:7:total')
  },

  async 'a function that begins a transaction inside another'(room) {
    await room.fill('item:7:total')
    // It is given no handle: the transaction around it is found.
    const save = () =>
      room.db.transaction(async (tx) => {
        await room.db.sql(tx, item(70))
        tx.write('items')
      })
    const failed = room.db.transaction(async () => {
      await inTime('the inner transaction', save())
      throw new Error('all of it')
    })
    await rejection(failed)
    assert.equal(await room.items(7), 0)
    room.assertTold()
    await room.db.transaction(() => save())
    assert.equal(await room.items(7), 1)
    room.assertTold(['item:{orgId}:*'])
    await room.assertTrue('item:7:total')
  },

  async 'two clients: each transaction is its own'(room) {
    const other = await room.bind()
    await room.fill('item:7:total')
    const failed = room.db.transaction(async (tx) => {
      await room.db.sql(tx, "INSERT INTO audit VALUES ('first client')")
      tx.write('audit')
      const inner = other.transaction(async (own) => {
        await other.sql(own, item(70))
        own.write('items')
      })
      await inTime("the other client's transaction", inner, 3_000)
      throw new Error('only the first')
    })
    assert.match(String(await rejection(failed)), /only the first/)
    assert.deepEqual([await room.items(7), await room.number('SELECT count(*) AS n FROM audit')], [1, 0])
    room.assertTold(['item:{orgId}:*'])
    await room.assertTrue('item:7:total')
  },

  async 'a read inside a transaction after a write goes past the cache and fills nothing'(room) {
    await room.fill('item:7:total')
    const inside: number[] = []
    const loadInside = async (tx: Parameters<Parameters<typeof room.db.transaction>[0]>[0]) => {
      const [row] = await room.db.sql(tx, 'SELECT count(*) AS n FROM items WHERE org_id = 7')
      return Number(row?.n)
    }
    await rejection(
      room.db.transaction(async (tx) => {
        await room.db.sql(tx, item(70))
        tx.write('items')
        inside.push(await room.cache.get('item:7:total', () => loadInside(tx)))
        // Who is outside sees nothing of it.
        throw new Error('none of it')
      }),
    )
    assert.deepEqual(inside, [1], 'the transaction did not see its own write')
    assert.equal(await room.read('item:7:total'), 0, 'what a transaction read was kept')
    room.assertTold()
  },

  async '100 transactions at once, every other one rolled back'(room) {
    const expected: string[] = []
    const all = Array.from({ length: 100 }, async (_, at) => {
      const orgId = 100 + at
      const commits = at % 2 === 0
      if (commits) expected.push(`item:{orgId}:*|${orgId}`)
      const done = room.db.transaction(async (tx) => {
        await room.db.insert(tx, { id: orgId, orgId, amount: 1 })
        tx.write('items', { operation: 'insert', rows: [{ org_id: orgId }] })
        if (!commits) throw new Error('rolled back')
      })
      await (commits ? done : rejection(done))
    })
    await inTime('100 transactions', Promise.all(all))
    assert.equal(await room.number('SELECT count(*) AS n FROM items WHERE org_id >= 100'), 50)
    const committed = new Set(
      room.stamps.flat().map((stamp) => stamp.replace(/^item:\{orgId\}:\*$/, 'whole')),
    )
    if (!committed.has('whole')) assert.deepEqual([...committed].sort(), expected.sort())
    assert.equal(room.told.length, 50)
  },
} satisfies Record<string, Play>
