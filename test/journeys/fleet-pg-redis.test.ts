import { type ChildProcess, fork } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { BookingConfig, BookingHistory, BookingOrder } from '../support/children/booking-member.ts'
import { uniqueName } from '../support/redis-caches.ts'
import { olderThanPromised, type VersionRead, type VersionWrite } from '../support/version-judge.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const MAX_STALENESS_MS = 1_000
const ENTITIES = 8
const BOOKINGS = 60
const PLENTY = 10_000

/** A process of the fleet. */
class BookingProcess {
  readonly #child: ChildProcess
  readonly #told: unknown[] = []
  readonly #waiting: { what: (message: unknown) => boolean; resolve: (message: unknown) => void }[] = []
  /** Its exit code, or what ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>

  constructor(config: BookingConfig) {
    this.#child = fork('test/support/children/booking-member.ts', [JSON.stringify(config)], {
      cwd: root,
      execArgv: ['--import', 'tsx', '--import', './scripts/text-loader.mjs'],
    })
    this.ended = new Promise((resolve) => this.#child.on('close', (code, signal) => resolve(code ?? signal)))
    this.#child.on('message', (message) => {
      const at = this.#waiting.findIndex(({ what }) => what(message))
      if (at >= 0) this.#waiting.splice(at, 1)[0]?.resolve(message)
      else this.#told.push(message)
    })
  }

  tell(order: BookingOrder): void {
    this.#child.send(order)
  }

  async heard(what: (message: unknown) => boolean): Promise<unknown> {
    const at = this.#told.findIndex(what)
    if (at >= 0) return this.#told.splice(at, 1)[0]
    return await Promise.race([
      new Promise((resolve) => this.#waiting.push({ what, resolve })),
      this.ended.then((code) => {
        throw new Error(`A process of the fleet has ended (${code}).`)
      }),
    ])
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }
}

const is = (word: string) => (message: unknown) => message === word
const schema = `fleet_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
const admin = new Pool({ connectionString: inject('postgresUrl'), max: 1 })
let fleet: BookingProcess[] = []

/** Two processes that book capacity, two that look at it. */
beforeAll(async () => {
  await admin.query(`
    CREATE SCHEMA ${schema};
    CREATE TABLE ${schema}.capacity (entity_id int PRIMARY KEY, available int NOT NULL, version int NOT NULL);
    INSERT INTO ${schema}.capacity SELECT n, ${PLENTY}, 0 FROM generate_series(1, ${ENTITIES}) n;
  `)
  const shared = {
    redisPort: inject('redisPort'),
    postgresUrl: inject('postgresUrl'),
    ...{ schema, entities: ENTITIES, bookings: BOOKINGS },
  }
  const roles = ['writer', 'writer', 'reader', 'reader'] as const
  fleet = roles.map((role, process) => new BookingProcess({ ...shared, role, process }))
  await Promise.all(fleet.map((one) => one.heard(is('up'))))
  // Both at once: a new committed cache keeps nothing for a soft lock's lifetime.
  for (const consistency of ['bounded', 'committed'] as const)
    for (const one of fleet) one.tell({ what: 'open', consistency, name: names[consistency] })
})
afterAll(async () => {
  for (const one of fleet) one.kill()
  await admin.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
  await admin.end()
})

const names = { bounded: uniqueName(), committed: uniqueName() }

/** What every process did and saw with a cache of this kind. */
async function bookAndLook(consistency: 'bounded' | 'committed') {
  const cache = { consistency, name: names[consistency] }
  await Promise.all(fleet.map((one) => one.heard(is(`open ${cache.name}`))))
  for (const one of fleet) one.tell({ ...cache, what: 'start' })
  await Promise.all(fleet.slice(0, 2).map((one) => one.heard(is(`done ${cache.name}`))))
  // Until every bounded read has to show the last booking.
  await sleep(MAX_STALENESS_MS + 200)
  for (const one of fleet) one.tell({ ...cache, what: 'stop' })
  const histories = (await Promise.all(
    fleet.map((one) => one.heard((message) => typeof message === 'object')),
  )) as BookingHistory[]
  return {
    writes: histories.flatMap(({ writes }) => writes),
    reads: histories.flatMap(({ reads }) => reads),
  }
}

describe('a fleet over PostgreSQL and Redis', () => {
  /** What was in the rows, by key and version. */
  const truth = new Map<string, number>()
  for (let entity = 1; entity <= ENTITIES; entity++) truth.set(`capacity:${entity} 0`, PLENTY)

  test.each(['bounded', 'committed'] as const)(
    '%s: no read is older than promised',
    {
      timeout: 30_000,
    },
    async (consistency) => {
      const { writes, reads } = await bookAndLook(consistency)
      const older = olderThanPromised(writes, reads, { consistency, maxStalenessMs: MAX_STALENESS_MS })
      expect(older.slice(0, 5)).toEqual([])

      // Every value is one that was committed, whole.
      for (const { key, version, available } of writes) truth.set(`${key} ${version}`, available)
      const untrue = reads.filter(
        ({ key, version, available }) => truth.get(`${key} ${version}`) !== available,
      )
      expect(untrue.slice(0, 5)).toEqual([])

      // And the cache was one: both writers booked, some changed their minds, and much of what was read came out of it.
      expect(new Set(writes.map(({ process }) => process)).size).toBe(2)
      expect(writes).toHaveLength(2 * (BOOKINGS - Math.ceil((BOOKINGS - 4) / 9)))
      expect(reads.filter(({ tier }) => tier !== 'loader').length).toBeGreaterThan(100)
    },
  )

  test('every process ends by itself', async () => {
    for (const one of fleet) one.tell({ what: 'end' })
    expect(await Promise.all(fleet.map(({ ended }) => ended))).toEqual([0, 0, 0, 0])
  })
})

describe('the judge', () => {
  const write: VersionWrite = { process: 0, key: 'a', version: 1, committed: 100, acknowledged: 110 }
  const read = (more: Partial<VersionRead>): VersionRead => ({
    ...{ process: 1, key: 'a', version: 0, freshness: 'bounded', began: 0, tier: 'memory' },
    ...more,
  })
  test.each<[string, Partial<VersionRead>, 'bounded' | 'committed', boolean]>([
    ['by its own process, at once', { process: 0, began: 111 }, 'bounded', true],
    ['by its own process, before it knew', { process: 0, began: 109 }, 'bounded', false],
    ['by another one, within T', { began: 1_000 }, 'committed', false],
    ['by another one, after T', { began: 1_111 }, 'committed', true],
    ["'committed', after the acknowledgement", { freshness: 'committed', began: 111 }, 'bounded', true],
    [
      "'committed', between COMMIT and it, in a bounded cache",
      { freshness: 'committed', began: 105 },
      'bounded',
      false,
    ],
    [
      "'committed', between COMMIT and it, in a committed cache",
      { freshness: 'committed', began: 105 },
      'committed',
      true,
    ],
    ["'committed', before COMMIT", { freshness: 'committed', began: 99 }, 'committed', false],
    ['of another key', { key: 'b', began: 5_000 }, 'committed', false],
    ['that shows it', { version: 1, began: 5_000 }, 'committed', false],
  ])('of a read %s', (_, given, consistency, older) => {
    expect(olderThanPromised([write], [read(given)], { consistency, maxStalenessMs: 1_000 })).toHaveLength(
      older ? 1 : 0,
    )
  })
})
