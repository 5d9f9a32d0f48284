import { type Cache, defineDatabase, defineDependencies } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { deferred, errorOf, openCache, openFleet } from '../support/caches.ts'

const dependencies = defineDependencies({ tables: { t: ['row:*'] } })

/** Two processes; the other one holds an old value in memory and in the store. */
async function opened() {
  const { fleet, clock } = await openFleet(2, { dependencies, ttl: '1h' })
  const [one, other] = fleet as [Cache, Cache]
  await other.get('row:1', () => 'old')
  const read = () => other.get<string, string>('row:1', () => 'new', { freshness: 'committed' })
  return { one, clock, read }
}

/** A client of one connection each, which writes down what it is sent. */
function recordingClient(log: string[]) {
  let ids = 0
  return {
    async inTransaction<T>(body: (send: (sql: string) => void) => Promise<T>): Promise<T> {
      const id = ++ids
      const send = (sql: string) => void log.push(`${id} ${sql}`)
      send('BEGIN')
      try {
        const value = await body(send)
        send('COMMIT')
        return value
      } catch (error) {
        send('ROLLBACK')
        throw error
      }
    },
    send: (sql: string) => void log.push(`pool ${sql}`),
  }
}

const bindRecording = defineDatabase({
  name: 'recording',
  run: (client: ReturnType<typeof recordingClient>, body: (send: (sql: string) => void) => Promise<never>) =>
    client.inTransaction(body),
  seal: async () => {},
  inside: (send, work) => ({
    async run(sql: string) {
      work.issue('write')
      send(sql)
    },
  }),
  outside: (client, door) => ({
    async run(sql: string): Promise<void> {
      const tx = door.current()
      if (tx !== undefined) return tx.run(sql)
      if (sql.startsWith('SELECT')) return client.send(sql)
      return door.transaction((own) => own.run(sql))
    },
  }),
})

describe('close, while a unit is under way', () => {
  test.each(['open', 'prepared'])('close_unitThat_is_%s_isWaitedFor_andOthersHearOfIt', async (state) => {
    const { one, clock, read } = await opened()
    const unit = one.unitOfWork()
    unit.write('t')
    if (state === 'prepared') await unit.prepare()
    const closing = one.close({ timeout: '5s' })
    expect(() => one.unitOfWork()).toThrow(errorOf('CACHE_CLOSED') as never)
    await clock.advance(4_000)
    expect((await unit.commit()).status).toBe('applied')
    expect(await closing).toEqual({ loads: 0, units: 0, queued: 0 })
    expect(await read()).toBe('new')
  })

  test('close_waitsUntilTheRotationIsDone_ratherThanBegun', async () => {
    const { one, read } = await opened()
    const unit = one.unitOfWork()
    unit.write('t')
    await unit.run(async () => {
      await unit.prepare()
      await one.invalidate({ table: 't' })
    })
    const committing = unit.commit()
    const closing = one.close()
    expect((await committing).status).toBe('applied')
    expect(await closing).toEqual({ loads: 0, units: 0, queued: 0 })
    expect(await read()).toBe('new')
  })

  test('close_invalidationUnderWay_isWaitedFor', async () => {
    const { one, read } = await opened()
    const invalidating = one.invalidate({ table: 't' })
    const closing = one.close()
    expect((await invalidating).status).toBe('applied')
    expect(await closing).toEqual({ loads: 0, units: 0, queued: 0 })
    expect(await read()).toBe('new')
  })

  test('close_unitThatDoesNotEnd_isLeft_andSaid_andItsReceiptSaysQueued', async () => {
    const { one, clock } = await opened()
    const unit = one.unitOfWork()
    unit.write('t')
    const closing = one.close({ timeout: '5s' })
    await clock.advance(5_000)
    expect(await closing).toEqual({ loads: 0, units: 1, queued: 0 })
    expect((await unit.commit()).status).toBe('queued')
  })

  test('close_unitsThatHaveEnded_areNotWaitedFor', async () => {
    const { cache, clock } = openCache({ dependencies })
    const ended = [cache.unitOfWork(), cache.unitOfWork(), cache.unitOfWork()] as const
    await ended[0].commit()
    await ended[1].rollback()
    await ended[1].rollback()
    ended[2].write('t')
    await ended[2].prepare()
    await ended[2].commit()
    await expect(ended[2].commit()).rejects.toEqual(errorOf('UNIT_CLOSED'))
    expect(await cache.close()).toEqual({ loads: 0, units: 0, queued: 0 })
    expect(clock.pending).toBe(0)
  })

  test.each([
    ['within the timeout', '5s', 0],
    ['longer than close waits', 0, 1],
  ] as const)('close_bodyThatRuns_%s_staysInItsTransaction', async (_, timeout, units) => {
    const log: string[] = []
    const { cache, clock } = openCache({ dependencies })
    const db = bindRecording(recordingClient(log), cache)
    const go = deferred<void>()
    const begun = deferred<void>()
    const ended = db.transaction(async () => {
      await db.run('UPDATE balance')
      begun.resolve()
      await go.promise
      await db.run('SELECT balance')
      await db.transaction(() => Promise.resolve()).catch((error) => log.push(error.code))
      // Loaders of the body read in its transaction too.
      await cache.get('row:1', () => db.run('SELECT row'))
    })
    await begun.promise
    const closing = cache.close({ timeout })
    await clock.advance(0)
    await settle()
    if (units === 1) await closing
    go.resolve()
    await ended
    expect(await closing).toEqual({ loads: 0, units, queued: 0 })
    expect(log).toEqual([
      '1 BEGIN',
      '1 UPDATE balance',
      '1 SELECT balance',
      // It has no savepoints: so it has been seen to be inside.
      'UNSUPPORTED',
      '1 SELECT row',
      '1 COMMIT',
    ])
    await expect(db.run('UPDATE late')).rejects.toEqual(errorOf('CACHE_CLOSED'))
  })
})
