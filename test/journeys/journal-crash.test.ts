import { defineJournal } from 'coherent-cache/journal'
import { afterAll, afterEach, beforeEach, expect, inject, test } from 'vitest'
import { JournalRoom } from '../sources/journal-room.ts'
import { dependencies, JOURNAL_STEPS, type JournalStep, runJournalWriter } from '../support/journal-writer.ts'
import { openRedisCache, uniqueName } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'

/** From these on the row is there; at the one before, the server decides. */
const SURELY_COMMITTED: readonly JournalStep[] = ['committed', 'rotating', 'rotated', 'settling', 'settled']
const SURELY_NOT: readonly JournalStep[] = ['begun', 'written', 'sealed', 'recorded']
const GRACE_MS = 300
const INTERVAL_MS = 50
/** Beside the grace and the interval: a round trip to each server, on a machine that is busy. */
const PATIENCE_MS = 2_000

const room = new JournalRoom()
const journal = defineJournal({ dependencies, schema: room.schema, grace: GRACE_MS })
const versionOf = (id: number) => room.value(`SELECT version FROM items WHERE id = ${id}`)

beforeEach(async () => {
  await room.reset(`CREATE TABLE items (id int PRIMARY KEY, version int NOT NULL);
    INSERT INTO items SELECT n, 0 FROM generate_series(1, ${JOURNAL_STEPS.length}) n`)
  await journal.ensure(room.admin)
})
afterEach(() => room.close())
afterAll(() => room.end())

/** A writer for each step, in a process of its own. Resolves when all have died, and no session of theirs is left. */
async function killWriters(name: string, steps: readonly JournalStep[]): Promise<void> {
  await Promise.all(
    steps.map(async (step) => {
      const id = JOURNAL_STEPS.indexOf(step) + 1
      const how = await runJournalWriter({
        redisPort: inject('redisPort'),
        name,
        mode: 'bounded',
        url: room.url,
        schema: room.schema,
        graceMs: GRACE_MS,
        id,
        step,
      })
      expect(`${step}: ${how}`).toBe(`${step}: SIGKILL`)
      const sessions = `SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'journal-${step}-${id}'`
      await until(async () => (await room.value(sessions)) === 0, `the sessions of ${step} have ended`)
    }),
  )
}

test('writer_killedAtAnyStep_whatItCommittedIsMadeVoidWithinTheRelaysInterval', {
  timeout: 120_000,
}, async () => {
  const name = uniqueName()
  const { cache } = openRedisCache({ name, dependencies, ttl: '1h' })
  await cache.ready()
  const read = (id: number) => cache.get(`item:${id}`, () => versionOf(id))
  const ids = JOURNAL_STEPS.map((_, at) => at + 1)
  for (const id of ids) expect(await read(id)).toBe(0)
  const applied: string[] = []
  const { cache: relayCache } = openRedisCache({ name, dependencies })
  relayCache.on('invalidated', ({ receipt }) => applied.push(...receipt.stamps))
  // Two, as in a fleet, of which the reader's own process has one.
  room.relay(journal, { cache: relayCache as never, interval: INTERVAL_MS })
  room.relay(journal, { cache: cache as never, interval: INTERVAL_MS })

  await killWriters(name, JOURNAL_STEPS)
  const died = performance.now()
  for (const [at, step] of JOURNAL_STEPS.entries()) {
    const id = at + 1
    const version = await versionOf(id)
    if (SURELY_COMMITTED.includes(step)) expect(version, step).toBe(1)
    if (SURELY_NOT.includes(step)) expect(version, step).toBe(0)
    const left = GRACE_MS + INTERVAL_MS + PATIENCE_MS - (performance.now() - died)
    await until(async () => (await read(id)) === version, `${step}: the reader sees ${version}`, left)
  }
  // What was not committed was nobody's business.
  for (const step of SURELY_NOT) expect(applied).not.toContain(`item:{id}|${JOURNAL_STEPS.indexOf(step) + 1}`)
  await until(async () => (await room.records()).length === 0, 'the journal is empty')
})

test('writer_killedAfterItsCommit_isWhatTheReaderMissesWithoutARelay', { timeout: 60_000 }, async () => {
  const name = uniqueName()
  const { cache } = openRedisCache({ name, dependencies, ttl: '1h' })
  await cache.ready()
  const id = JOURNAL_STEPS.indexOf('committed') + 1
  const read = () => cache.get(`item:${id}`, () => versionOf(id))
  expect(await read()).toBe(0)
  await killWriters(name, ['committed'])
  expect(await versionOf(id)).toBe(1)
  expect(await read()).toBe(0)
  const relay = room.relay(journal, { cache: cache as never })
  await until(async () => (await relay.run()) === 1, 'its grace has passed')
  expect(await read()).toBe(1)
})
