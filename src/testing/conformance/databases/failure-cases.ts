import assert from 'node:assert/strict'
import { inTime, meeting, type Play, type Room, rejection, type Tx } from './room.ts'

const item = (id: number) => `INSERT INTO items (id, org_id, amount) VALUES (${id}, 7, 1)`

/** What did not commit makes nothing void; what may have committed does. */
export const failureCases = {
  async 'a body that throws'(room) {
    await room.fill('item:7:total')
    const thrown = new Error('the body has had enough')
    const told: unknown[] = []
    const failed = room.db.transaction(async (tx) => {
      await room.db.sql(tx, item(70))
      tx.write('items')
      tx.onCommitted((receipt) => told.push(receipt))
      throw thrown
    })
    assert.equal(await rejection(failed), thrown)
    assert.deepEqual([await room.items(7), told], [0, []])
    room.assertTold()
  },

  async 'a rollback that the body asks for'(room) {
    const value = await room.db.transaction(async (tx) => {
      await room.db.sql(tx, item(70))
      tx.write('items')
      await tx.rollback()
      return 'done'
    })
    assert.deepEqual([value, await room.items(7)], ['done', 0])
    room.assertTold()
  },

  async "a statement's error that is swallowed"(room) {
    await room.fill('item:7:total')
    const committed = await room.db
      .transaction(async (tx) => {
        await room.db.sql(tx, item(70))
        tx.write('items')
        // Its key is taken.
        await rejection(Promise.resolve(room.db.sql(tx, item(1))))
      })
      .then(
        () => true,
        () => false,
      )
    // Some databases go on after an error. What is said has to be what happened.
    assert.equal(
      await room.items(7),
      committed ? 1 : 0,
      'resolved and was not committed, or the other way round',
    )
    room.assertTold(...(committed ? [['item:{orgId}:*']] : []))
    await room.assertTrue('item:7:total')
  },

  async 'a deferred constraint that fails at COMMIT'(room) {
    await room.fill('child:count')
    await assert.rejects(
      room.db.transaction(async (tx) => {
        await room.db.sql(tx, 'INSERT INTO children VALUES (2, 99)')
        tx.write('children')
      }),
      'children without parents were let in',
    )
    assert.equal(await room.number('SELECT count(*) AS n FROM children'), 1)
    await room.assertTrue('child:count')
    await room.db.transaction((tx) => room.db.sql(tx, 'SELECT 1 AS one'))
  },

  async 'a serialization failure, and the retry'(room) {
    await room.fill('item:1:total')
    const met = meeting(2)
    const add = async (tx: Tx) => {
      const [row] = await room.db.sql(tx, 'SELECT amount FROM items WHERE id = 1')
      await met()
      await room.db.sql(tx, `UPDATE items SET amount = ${Number(row?.amount) + 1} WHERE id = 1`)
      tx.write('items')
    }
    const both = [1, 2].map(() => room.db.transaction(add, { isolation: 'serializable', retries: 5 }))
    await inTime('two serializable transactions', Promise.all(both))
    assert.equal(await room.number('SELECT amount FROM items WHERE id = 1'), 2)
    room.assertTold(['item:{orgId}:*'], ['item:{orgId}:*'])
    await room.assertTrue('item:1:total')
  },

  async 'a deadlock, and the retry'(room) {
    await room.fill('item:1:total')
    const met = meeting(2)
    const add = (first: number, second: number) =>
      room.db.transaction(
        async (tx) => {
          await room.db.sql(tx, `UPDATE items SET amount = amount + 1 WHERE id = ${first}`)
          tx.write('items')
          await met()
          await room.db.sql(tx, `UPDATE items SET amount = amount + 1 WHERE id = ${second}`)
        },
        { retries: 5 },
      )
    await inTime('two transactions that wait for each other', Promise.all([add(1, 2), add(2, 1)]))
    assert.equal(await room.number('SELECT sum(amount) AS n FROM items'), 4)
    room.assertTold(['item:{orgId}:*'], ['item:{orgId}:*'])
    await room.assertTrue('item:1:total')
  },

  async 'a connection lost during COMMIT, the rows committed'(room) {
    const { network, db } = await room.network()
    await room.fill('item:7:total')
    const told: unknown[] = []
    const cut = network.cutAfterRequest(room.under.commit ?? 'COMMIT')
    const failed = db.transaction(async (tx) => {
      await db.sql(tx, item(70))
      tx.write('items')
      tx.onCommitted((receipt) => told.push(receipt))
    })
    await inTime('a transaction whose connection is lost', rejection(failed))
    await inTime('the cut', cut)
    assert.deepEqual([await room.items(7), told], [1, []])
    await room.assertTrue('item:7:total')
    await usable(room, db)
  },

  async 'a connection lost during COMMIT, the rows not committed'(room) {
    const { network, db } = await room.network()
    await room.fill('item:7:total')
    const failed = db.transaction(async (tx) => {
      await db.sql(tx, item(70))
      tx.write('items')
      room.beforeCommit(tx, () => network.cut())
    })
    await inTime('a transaction whose connection is lost', rejection(failed))
    network.mend()
    // Nobody can know that it did not arrive.
    room.assertTold(['hooked:{id}', 'item:{orgId}:*'])
    assert.equal(await room.items(7), 0)
    await room.assertTrue('item:7:total')
    await usable(room, db)
  },
} satisfies Record<string, Play>

/** The pool has survived. */
async function usable(room: Room, db: Room['db']): Promise<void> {
  const again = db.transaction(async (tx) => {
    await db.sql(tx, item(77))
    tx.write('items')
  })
  await inTime('the next transaction', again)
  await room.assertTrue('item:7:total')
}
