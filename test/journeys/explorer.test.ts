import { type Cache, createCache, defineDependencies } from 'coherent-cache'
import { memoryStore } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'

/**
 * A small schedule explorer: two writers and two readers in two processes over one store, in thousands of random
 * orders of everything that can come in another order: two modes, 30 worlds of 50 rounds each. A failing seed is printed;
 * `EXPLORER_SEED=n` replays it.
 */
const WORLDS = 30
const ROUNDS = 50
const T = 1_000
/** Two rows per round. */
const ROWS = Array.from({ length: 2 * ROUNDS }, (_, row) => row)
const PROCESSES = [0, 1]

type Fate = 'delivered' | 'late' | 'lossy'

/** Everything that waits to happen, and the dice that choose what does. */
class World {
  readonly db = new Map(ROWS.map((row) => [row, 0]))
  readonly #dice: () => number
  readonly #steps: { readonly run: () => void; readonly message: boolean }[] = []
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>()
  readonly #fate: Fate
  lost = 0
  time = 1_000

  constructor(seed: number, fate: Fate) {
    this.#dice = dice(seed)
    this.#fate = fate
  }

  readonly clock = {
    now: () => 1_767_225_600_000 + this.time,
    monotonic: () => this.time,
    after: (milliseconds: number, run: () => void) => {
      const timer = { at: this.time + milliseconds, run }
      this.#timers.add(timer)
      return () => {
        this.#timers.delete(timer)
      }
    },
  }

  readonly schedule = (run: () => void, what: 'reply' | 'message'): void => {
    this.#steps.push({ run, message: what === 'message' })
  }

  /** Resolves when the dice say so. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#steps.push({ run: resolve, message: false }))
  }

  pick<V>(list: readonly V[]): V {
    return list[Math.floor(this.#dice() * list.length)] as V
  }

  chance(probability: number): boolean {
    return this.#dice() < probability
  }

  /** Whether anything that was published is still on its way, or never comes. */
  get silent(): boolean {
    return this.lost === 0 && !this.#steps.some(({ message }) => message)
  }

  /** Lets one thing after another happen until the work is done. */
  async until(work: Promise<unknown>): Promise<void> {
    let done = false
    let failure: unknown
    work.then(
      () => {
        done = true
      },
      (error: unknown) => {
        done = true
        failure = error
      },
    )
    for (let step = 0; ; step++) {
      await new Promise((resolve) => setImmediate(resolve))
      if (done) break
      if (step > 5_000) throw new Error('no end in sight')
      this.#happen()
    }
    if (failure !== undefined) throw failure
  }

  #happen(): void {
    // Time passes now and then, mostly a little; timers that fall due fire whenever their turn comes.
    if (this.#steps.length === 0) this.time = Math.min(...[...this.#timers].map(({ at }) => at))
    else if (this.chance(0.1)) this.time += this.chance(0.1) ? 300 : 10
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.time)) {
      this.#timers.delete(timer)
      this.#steps.push({ run: timer.run, message: false })
    }
    const at = Math.floor(this.#dice() * this.#steps.length)
    const chosen = this.#steps[at]
    if (chosen === undefined) throw new Error('everybody waits for nothing')
    // One connection delivers in order; a reordered message is one that came too late to count.
    const first =
      chosen.message && this.#fate !== 'late' ? this.#steps.findIndex(({ message }) => message) : at
    const [step] = this.#steps.splice(first, 1)
    if (step?.message && this.#fate === 'lossy' && this.chance(0.2)) this.lost++
    else step?.run()
  }
}

/** One process's cache, whatever kind it is. */
interface Subject {
  read(row: number, how: How): Promise<number>
  /** Calls `commit` when the row changes; where it throws, nothing must have been promised. */
  write(row: number, commit: () => void): Promise<'applied' | 'queued' | 'dropped'>
  close?(): Promise<unknown>
}
type How = 'get' | 'swr' | 'many' | 'nested' | 'committed'
const HOWS: readonly How[] = ['get', 'get', 'swr', 'many', 'nested', 'committed']

/** A change that readers must not fall behind: of which row, by whom, since when, and told to the store or not. */
interface Acknowledged {
  readonly row: number
  readonly version: number
  readonly process: number
  readonly at: number
  readonly applied: boolean
  /** Committed, and not yet acknowledged: binds only reads that ask for it, in the mode that promises it. */
  readonly early: boolean
}

async function play(
  seed: number,
  fate: Fate,
  open: (world: World) => Promise<Subject[]>,
  mode: 'bounded' | 'committed' = 'bounded',
): Promise<void> {
  const world = new World(seed, fate)
  const acknowledged: Acknowledged[] = []
  let subjects: Subject[] = []
  const opening = open(world).then((opened) => {
    subjects = opened
  })
  await world.until(opening)
  const subject = (process: number) => subjects[process] as Subject

  const writer = async (process: number, rows: readonly number[]) => {
    for (let count = 0; count < 3; count++) {
      await world.turn()
      const row = world.pick(rows)
      let version = 0
      const note = (applied: boolean, early: boolean) =>
        acknowledged.push({ row, version, process, at: world.time, applied, early })
      const status = await subject(process).write(row, () => {
        version = (world.db.get(row) ?? 0) + 1
        world.db.set(row, version)
        if (mode === 'committed') note(true, true)
      })
      if (status !== 'dropped') note(status === 'applied', false)
    }
  }
  const reader = async (process: number, rows: readonly number[]) => {
    for (let count = 0; count < 5; count++) {
      await world.turn()
      const row = world.pick(rows)
      const how = world.pick(HOWS)
      const { silent, time } = world
      const certain = how === 'committed' || how === 'nested'
      const mustShow = acknowledged.filter((one) => {
        if (one.row !== row) return false
        if (one.early) return certain
        return one.process === process || (one.applied && (silent || certain || one.at <= time - T))
      })
      const version = await subject(process).read(row, how)
      const missed = mustShow.find((one) => version < one.version)
      if (missed !== undefined) {
        throw new Error(
          `process ${process} read row ${row} (${how}) at ${time} ms as version ${version}, after ${missed.version} was acknowledged in process ${missed.process} at ${missed.at} ms${silent ? ', with every message delivered' : ''}`,
        )
      }
    }
  }
  for (let round = 0; round < ROUNDS; round++) {
    const rows = ROWS.slice(2 * round, 2 * round + 2)
    await world.until(
      Promise.all(PROCESSES.flatMap((process) => [writer(process, rows), reader(process, rows)])),
    )
    acknowledged.splice(0)
  }
  await world.until(Promise.all(subjects.map((one) => one.close?.())))
}

/** The library, two instances over one store. */
function library(seed: number, trouble: boolean, consistency: 'bounded' | 'committed' = 'bounded') {
  const dependencies = defineDependencies({ tables: { t: ['row:{id}', 'board:*'] } })
  return async (world: World): Promise<Subject[]> => {
    const store = memoryStore({ clock: world.clock, schedule: world.schedule })
    const caches = PROCESSES.map((process) =>
      createCache({
        name: `explored-${seed}`,
        instance: `p${process}`,
        memory: { maxEntries: 3 },
        jitter: 0,
        consistency,
        store,
        dependencies,
        clock: world.clock,
      }),
    )
    await Promise.all(caches.map((cache) => cache.ready()))
    // Past the quarantine of a store just begun.
    world.time += 10_000
    return caches.map((cache) => {
      const disturb = () => {
        // A stamp that bears a lock is never evicted: the mode refuses a server that could.
        if (trouble && consistency === 'bounded' && world.chance(0.2))
          store.evictStamp(cache.namespace, world.pick(['|', 'row:{id}', 'board:*']))
        if (trouble && world.chance(0.05)) store.flush()
      }
      return subjectOf(cache, world, disturb, consistency)
    })
  }
}

function subjectOf(
  cache: Cache,
  world: World,
  disturb: () => void,
  consistency: 'bounded' | 'committed',
): Subject {
  const load = async (row: number) => {
    await world.turn()
    const version = world.db.get(row) ?? 0
    await world.turn()
    return version
  }
  return {
    read(row, how) {
      const key = `row:${row}`
      switch (how) {
        case 'many':
          return cache
            .getMany<string, number>([`row:${row ^ 1}`, key], (missing) =>
              Promise.all(missing.map((one) => load(Number(one.slice(4))))),
            )
            .then((versions) => versions[1] as number)
        case 'nested':
          return cache.get(`board:${row}`, () => cache.get(key, () => load(row)), { freshness: 'committed' })
        case 'swr':
          return cache.get(key, () => load(row), { staleWhileRevalidate: '1m', ttl: '20ms' })
        case 'committed':
          return cache.get(key, () => load(row), { freshness: 'committed' })
        default:
          return cache.get(key, () => load(row))
      }
    },
    close: () => cache.close({ timeout: 0 }),
    async write(row, commit) {
      disturb()
      const how = consistency === 'committed' ? 'unit' : world.pick(['rows', 'keys', 'unit', 'table'])
      const rows = [{ id: row }]
      const unit = how === 'unit' ? cache.unitOfWork() : undefined
      unit?.write('t', { operation: 'insert', rows })
      try {
        await unit?.prepare()
      } catch {
        await unit?.rollback()
        return 'dropped'
      }
      commit()
      await world.turn()
      const receipt =
        unit !== undefined
          ? await unit.commit()
          : await cache.invalidate(
              how === 'keys'
                ? { keys: [`row:${row}`, `board:${row}`] }
                : how === 'rows'
                  ? { table: 't', operation: 'insert', rows }
                  : { table: 't' },
            )
      return receipt.status === 'applied' ? 'applied' : 'queued'
    },
  }
}

/** What people write by hand: look, load, keep; delete after the write. In one shared place, so that nobody is deaf. */
async function cacheAside(world: World): Promise<Subject[]> {
  const kept = new Map<number, number>()
  const subject: Subject = {
    async read(row) {
      await world.turn()
      const held = kept.get(row)
      if (held !== undefined) return held
      await world.turn()
      const version = world.db.get(row) ?? 0
      await world.turn()
      kept.set(row, version)
      return version
    },
    async write(row, commit) {
      commit()
      await world.turn()
      kept.delete(row)
      return 'applied'
    },
  }
  return PROCESSES.map(() => subject)
}

const seeds = process.env.EXPLORER_SEED
  ? [Number(process.env.EXPLORER_SEED)]
  : Array.from({ length: WORLDS }, (_, at) => at + 1)

/** The first seed that fails, and how. */
async function firstFailure(explore: (seed: number) => Promise<void>): Promise<string | undefined> {
  for (const seed of seeds) {
    try {
      await explore(seed)
    } catch (error) {
      return `EXPLORER_SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`
    }
  }
  return undefined
}

describe('every order of two writers and two readers in two processes', { timeout: 60_000 }, () => {
  test('library_answersNothingThatWasAcknowledgedAsVoid', async () => {
    const fates: readonly Fate[] = ['delivered', 'late', 'lossy']
    const failure = await firstFailure((seed) =>
      play(seed, fates[seed % 3] as Fate, library(seed, seed % 2 === 0)),
    )
    expect(failure).toBeUndefined()
  })

  test('library_inModeCommitted_answersNothingOlderThanACommit', async () => {
    const failure = await firstFailure((seed) =>
      play(
        seed,
        seed % 2 === 0 ? 'delivered' : 'lossy',
        library(seed, seed % 3 === 0, 'committed'),
        'committed',
      ),
    )
    expect(failure).toBeUndefined()
  })

  test('cacheAside_underTheSameChecker_isCaught', async () => {
    const failure = await firstFailure((seed) => play(seed, 'delivered', cacheAside))
    expect(failure).toMatch(/EXPLORER_SEED=\d+: process \d read row \d+ .* after \d+ was acknowledged/)
  })
})

function dice(seed: number): () => number {
  let state = seed * 0x9e37_79b9
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
