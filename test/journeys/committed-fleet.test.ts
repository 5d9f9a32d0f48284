import { type Cache, defineDependencies, type UnitOfWork } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { errorOf, heldLoader, openFleet } from '../support/caches.ts'
import { heldNetwork } from '../support/held-network.ts'

const dependencies = defineDependencies({ tables: { t: ['row:{id}'] } })
const row = { operation: 'insert', rows: [{ id: 1 }] } as const

/** A fleet in mode `committed` whose quarantine is over, and a database both processes read. */
async function opened(options: { onStoreUnavailable?: 'abort' | 'proceed' } = {}) {
  const network = heldNetwork()
  const { fleet, clock, store } = await openFleet(2, {
    dependencies,
    consistency: 'committed',
    schedule: network.schedule,
    ...options,
  })
  const [writer, reader] = fleet as [Cache, Cache]
  await Promise.all(fleet.map((cache) => cache.ready()))
  await clock.advance(5_000)
  const db = { committed: 1 }
  let loads = 0
  const read = (cache: Cache = reader, freshness: 'bounded' | 'committed' = 'committed') =>
    cache.get<string, number>(
      'row:1',
      async () => {
        loads++
        return db.committed
      },
      { freshness },
    )
  const unit = () => {
    const made = writer.unitOfWork()
    made.write('t', row)
    return made
  }
  return { network, writer, reader, clock, store, db, read, unit, loads: () => loads }
}

/** A commit whose locks the store has forgotten: nobody reads the old value, and nothing is kept for a lock lifetime. */
async function commitsUnseenByTheStore(
  { read, clock, db, loads }: Awaited<ReturnType<typeof opened>>,
  writing: UnitOfWork,
): Promise<void> {
  db.committed = 2
  expect(await read()).toBe(2)
  await writing.commit()
  expect(await read()).toBe(2)
  await clock.advance(5_100)
  await read()
  const after = loads()
  expect(await read()).toBe(2)
  expect(loads()).toBe(after)
}

describe('a commit under soft locks', () => {
  test('read_betweenPrepareAndCommit_loadsFromThePrimary_andKeepsNothing', async () => {
    const { read, unit, db, reader, loads } = await opened()
    expect(await read()).toBe(1)
    const writing = unit()
    await writing.prepare()
    const sources: string[] = []
    await reader.get('row:1', ({ source }) => sources.push(source), { freshness: 'committed' })
    expect(sources).toEqual(['primary'])
    db.committed = 2
    // Committed in the database, not yet rotated: the mode's promise.
    expect(await read()).toBe(2)
    expect(await read()).toBe(2)
    await writing.commit()
    const before = loads()
    expect(await read()).toBe(2)
    expect(await read()).toBe(2)
    expect(loads()).toBe(before + 1)
  })

  test('load_begunBeforeTheLock_isNotKept', async () => {
    const { reader, read, unit, db } = await opened()
    const { load, call } = heldLoader<number>()
    const old = reader.get('row:1', load)
    const held = await call()
    const writing = unit()
    await writing.prepare()
    held.resolve(1)
    expect(await old).toBe(1)
    db.committed = 2
    expect(await read()).toBe(2)
    await writing.commit()
    expect(await read()).toBe(2)
    expect(await read(reader, 'bounded')).toBe(2)
  })

  test('load_begunUnderTheLock_isNotKept_evenIfItComesHomeAfterIt', async () => {
    const { reader, read, unit, db } = await opened()
    const writing = unit()
    await writing.prepare()
    const { load, call } = heldLoader<number>()
    const old = reader.get('row:1', load)
    const held = await call()
    db.committed = 2
    await writing.commit()
    held.resolve(1)
    expect(await old).toBe(1)
    expect(await read()).toBe(2)
    expect(await read(reader, 'bounded')).toBe(2)
  })

  test('read_underTheLock_neverSharesALoadThatBeganBeforeIt', async () => {
    const { reader, unit, db, read } = await opened()
    const writing = unit()
    await writing.prepare()
    const { load, call } = heldLoader<number>()
    const first = reader.get('row:1', load, { freshness: 'committed' })
    const held = await call()
    db.committed = 2
    const second = read()
    await settle()
    held.resolve(1)
    expect(await first).toBe(1)
    expect(await second).toBe(2)
    await writing.rollback()
  })

  test('rollback_takesTheLocksOff', async () => {
    const { read, unit, loads } = await opened()
    const writing = unit()
    await writing.prepare()
    await writing.rollback()
    expect(await read()).toBe(1)
    const before = loads()
    expect(await read()).toBe(1)
    expect(loads()).toBe(before)
  })

  test('twoUnits_overOneRow_bothMustEnd', async () => {
    const { read, unit, loads } = await opened()
    const units = [unit(), unit()]
    for (const one of units) await one.prepare()
    await units[0]?.commit()
    await read()
    const before = loads()
    await read()
    expect(loads()).toBe(before + 1)
    await units[1]?.commit()
    await read()
    const after = loads()
    await read()
    expect(loads()).toBe(after)
  })

  test('twoUnits_overOneRow_theFirstToEndLeavesTheOthersLock_soThatItsCommitIsSeen', async () => {
    const { read, unit, db } = await opened()
    const first = unit()
    const second = unit()
    await first.prepare()
    await second.prepare()
    db.committed = 2
    await first.commit()
    expect(await read()).toBe(2)
    // The second has committed in the database, and is not yet rotated.
    db.committed = 3
    expect(await read()).toBe(3)
    await second.commit()
    expect(await read()).toBe(3)
  })

  test('lock_ofASlowTransaction_isRenewed', async () => {
    const { read, unit, clock, db, loads } = await opened()
    const writing = unit()
    await writing.prepare()
    for (let second = 0; second < 20; second++) {
      await clock.advance(1_000)
      const before = loads()
      await read()
      expect(loads()).toBe(before + 1)
    }
    db.committed = 2
    await writing.commit()
    expect(await read()).toBe(2)
    const before = loads()
    await read()
    expect(loads()).toBe(before)
  })

  test('lock_ofAProcessThatDied_expires_intoARotation', async () => {
    const { network, writer, reader, read, unit, clock, db, loads } = await opened()
    expect(await read()).toBe(1)
    const writing = unit()
    await writing.prepare()
    // It commits in the database and dies: nothing of it reaches the store any more.
    db.committed = 2
    const silent = writer.close({ timeout: 0 })
    network.deliver()
    await clock.advance(1_000)
    await silent
    expect(await read()).toBe(2)
    void writing
    await clock.advance(30_000)
    expect(await read()).toBe(2)
    const before = loads()
    expect(await read()).toBe(2)
    expect(await read(reader, 'bounded')).toBe(2)
    expect(loads()).toBe(before)
  })
})

describe('a store that restarts', () => {
  test('restart_losesLocks_soThatNothingIsKeptForALockLifetime', async () => {
    const fleet = await opened()
    const { read, unit, store, loads } = fleet
    expect(await read()).toBe(1)
    const writing = unit()
    await writing.prepare()
    store.flush()
    const before = loads()
    await read()
    await read()
    expect(loads()).toBe(before + 2)
    await commitsUnseenByTheStore(fleet, writing)
  })

  test('failover_toAReplicaThatNeverHeardOfALock_keepsNothingForALockLifetime', async () => {
    const fleet = await opened()
    const { read, unit, store } = fleet
    expect(await read()).toBe(1)
    const promote = store.replica()
    const writing = unit()
    await writing.prepare()
    promote()
    // The stamps are as old as before, the registration too, and no lock lies on any of them.
    expect(await read()).toBe(1)
    await commitsUnseenByTheStore(fleet, writing)
  })
})

describe('a store that is away', () => {
  test('prepare_rejects_soThatTheTransactionIsRolledBack_andLeavesNothingBlocked', async () => {
    const { network, writer, unit, clock } = await opened()
    network.hold('reply')
    const writing = unit()
    const outcome = expect(writing.prepare()).rejects.toEqual(
      errorOf('STORE_UNAVAILABLE', /must be rolled back/),
    )
    await clock.advance(300)
    await outcome
    await writing.rollback()
    network.deliver()
    await clock.advance(20_000)
    await writer.get('row:1', () => 1)
    await clock.advance(100)
    await writer.get('row:1', () => 2)
    expect(writer.health().status).toBe('ok')
    expect(await writer.get<string, number>('row:1', () => 3)).toBe(1)
  })

  test('prepare_proceeds_whereToldTo_andTheReceiptSaysUnprotected', async () => {
    const { network, unit, clock, read, writer, db } = await opened({ onStoreUnavailable: 'proceed' })
    const told: string[] = []
    writer.on('invalidated', ({ receipt }) => told.push(receipt.status))
    expect(await read(writer)).toBe(1)
    network.hold('reply')
    const writing = unit()
    const preparing = writing.prepare()
    await clock.advance(300)
    await preparing
    db.committed = 2
    const committing = writing.commit()
    await clock.advance(300)
    expect(await committing).toMatchObject({ status: 'unprotected' })
    expect(told).toEqual(['unprotected'])
    // The own process never answers what is older.
    const own = read(writer, 'bounded')
    await clock.advance(300)
    expect(await own).toBe(2)
    network.deliver()
    await clock.advance(2_000)
    await settle()
    expect(writer.health()).toMatchObject({ status: 'ok', queue: { length: 0 } })
    expect(await read()).toBe(2)
  })
})
