import assert from 'node:assert/strict'
import type { Play } from './room.ts'

const ITEM = 'INSERT INTO items (id, org_id, amount) VALUES (70, 7, 1)'

/** Which writes make the cache void, however they are made. */
export const writeCases = {
  async 'a declared write'(room) {
    await room.fill('item:7:total')
    const receipts: string[][] = []
    await room.db.transaction(async (tx) => {
      await room.db.sql(tx, ITEM)
      tx.write('items', { operation: 'insert', rows: [{ org_id: 7 }] })
      tx.onCommitted(({ stamps }) => receipts.push([...stamps]))
    })
    await room.assertTrue('item:7:total')
    assert(receipts[0]?.includes('item:{orgId}:*|7'), `the receipt says ${JSON.stringify(receipts)}`)
  },

  async 'a write that nobody declared'(room) {
    await room.fill('item:7:total')
    await room.db.transaction((tx) => room.db.sql(tx, ITEM))
    await room.assertTrue('item:7:total')
  },

  async "the rows of an insert by the client's own idiom"(room) {
    await room.fill('item:1:total', 'item:7:total')
    await room.db.transaction((tx) => room.db.insert(tx, { id: 70, orgId: 7, amount: 1 }))
    await room.assertTrue('item:7:total')
    assert.deepEqual(room.stamps, [['item:{orgId}:*|7']], `made void: ${JSON.stringify(room.stamps)}`)
  },

  async 'a write through a view'(room) {
    await room.fill('item:7:total')
    await room.db.transaction((tx) =>
      room.db.sql(tx, 'INSERT INTO item_view (id, org_id, amount) VALUES (70, 7, 1)'),
    )
    await room.assertTrue('item:7:total')
  },

  async 'what a trigger writes'(room) {
    await room.fill('audit:count')
    await room.db.transaction((tx) => room.db.sql(tx, 'INSERT INTO audited VALUES (1)'))
    await room.assertTrue('audit:count')
  },

  async 'what a foreign key cascades to'(room) {
    await room.fill('child:count')
    await room.db.transaction((tx) => room.db.sql(tx, 'DELETE FROM parents WHERE id = 1'))
    await room.assertTrue('child:count')
  },

  async 'a statement outside a transaction'(room) {
    assert(room.db.alone, 'The bound database sends nothing outside a transaction.')
    await room.fill('item:7:total')
    await room.db.alone(ITEM)
    await room.assertTrue('item:7:total')
  },

  async 'a transaction that only reads makes nothing void'(room) {
    await room.fill('item:1:total')
    await room.db.transaction((tx) => room.db.sql(tx, 'SELECT * FROM items'))
    await room.db.transaction((tx) => room.db.sql(tx, 'SELECT * FROM items'), { readOnly: true })
    room.assertTold()
  },

  async 'a read-only transaction refuses writes'(room) {
    await assert.rejects(room.db.transaction((tx) => room.db.sql(tx, ITEM), { readOnly: true }))
    assert.equal(await room.items(7), 0)
    room.assertTold()
  },
} satisfies Record<string, Play>
