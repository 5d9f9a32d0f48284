import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LeadBook } from '../../src/core/lead-book.ts'
import type { Leads } from '../../src/core/store.ts'
import { type ManualClock, manualClock, settle } from '../../src/testing/manual-clock.ts'
import { Leadership } from '../../src/warming/leadership.ts'

/**
 * Schedules of leadership: what a candidate asks is carried out, and what the store answers arrives, whenever the
 * schedule says so; clocks move all together, or stand still for a process that is paused. Whatever the order, at most
 * one process believes that it leads while no clock stands still, and what is written never comes from an older term
 * than what is there.
 */
const TERM_MS = 900
const CANDIDATES = 3

class World {
  readonly storeClock = manualClock()
  readonly book = new LeadBook(this.storeClock)
  /** Steps of the store and answers that wait to be let through. */
  readonly waiting: (() => void)[] = []
  readonly written: { readonly fence: number; readonly by: number }[] = []
  readonly candidates: {
    readonly clock: ManualClock
    readonly leadership: Leadership
    readonly holder: string
  }[] = []

  constructor() {
    for (let at = 0; at < CANDIDATES; at++) {
      const clock = manualClock()
      const holder = `holder-${at}`.padEnd(16, '-')
      const leadership = new Leadership({
        clock,
        leads: this.#port(),
        title: 'schedules',
        holder,
        label: `p${at}`,
        ttlMs: TERM_MS,
        candidate: true,
        onGained() {},
        onLost() {},
        onNews() {},
      })
      this.candidates.push({ clock, leadership, holder })
      leadership.start()
    }
  }

  #port(): Leads {
    const step = <T>(run: () => T): Promise<T> =>
      new Promise((resolve) => {
        this.waiting.push(() => {
          const result = run()
          this.waiting.push(() => resolve(result))
        })
      })
    return {
      lead: (request) => step(() => this.book.lead(request)),
      records: (title, known) => step(() => this.book.records(title, known)),
      record: (request) => step(() => this.book.record(request)),
    }
  }

  /** What a leader writes that is about to: the term is looked at now, the write carried out when the schedule says so. */
  write(at: number): void {
    const { leadership, holder } = this.candidates[at] as (typeof this.candidates)[0]
    const { term } = leadership
    if (term === undefined) return
    this.waiting.push(() => {
      const entries = new Map([['run', String(term.fence)]])
      const { written } = this.book.record({
        title: 'schedules',
        entries,
        term: { holder, fence: term.fence },
      })
      if (written) this.written.push({ fence: term.fence, by: at })
    })
  }

  async pass(milliseconds: number, paused: number | undefined): Promise<void> {
    await this.storeClock.advance(milliseconds)
    for (const [at, { clock }] of this.candidates.entries())
      if (at !== paused) await clock.advance(milliseconds)
  }

  get leading(): number {
    return this.candidates.filter(({ leadership }) => leadership.term !== undefined).length
  }

  async close(): Promise<void> {
    const closing = this.candidates.map(({ leadership }) => leadership.close())
    for (let turn = 0; turn < 20; turn++) {
      for (const step of this.waiting.splice(0)) step()
      await settle()
    }
    await Promise.all(closing)
  }
}

type Turn =
  | { readonly what: 'step'; readonly which: number }
  | { readonly what: 'time'; readonly milliseconds: number }
  | { readonly what: 'write'; readonly who: number }

const turn: fc.Arbitrary<Turn> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ what: fc.constant('step' as const), which: fc.nat(20) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('time' as const),
      milliseconds: fc.integer({ min: 1, max: 500 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('write' as const), who: fc.nat(CANDIDATES - 1) }) },
)

async function play(turns: readonly Turn[], paused: number | undefined): Promise<void> {
  const world = new World()
  try {
    for (const one of turns) {
      if (one.what === 'write') world.write(one.who)
      else if (one.what === 'time') await world.pass(one.milliseconds, paused)
      else if (world.waiting.length > 0) {
        world.waiting.splice(one.which % world.waiting.length, 1)[0]?.()
        await settle()
      }
      if (paused === undefined) expect(world.leading).toBeLessThanOrEqual(1)
      const fences = world.written.map(({ fence }) => fence)
      expect(fences).toEqual([...fences].sort((a, b) => a - b))
      const writers = new Map(world.written.map(({ fence, by }) => [fence, by]))
      expect(world.written.every(({ fence, by }) => writers.get(fence) === by)).toBe(true)
    }
  } finally {
    await world.close()
  }
}

const schedule = fc.array(turn, { minLength: 20, maxLength: 80 })

test('whateverTheOrder_atMostOneLeads', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(schedule, (turns) => play(turns, undefined)),
    { numRuns: 150 },
  )
})

test('whoeverIsPaused_nothingIsWrittenFromAnOlderTerm', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(schedule, fc.nat(CANDIDATES - 1), (turns, paused) => play(turns, paused)),
    { numRuns: 150 },
  )
})

test('aSchedule_inWhichATermPasses_isAmongThem', async () => {
  // Else the properties above would hold of nothing.
  const world = new World()
  const through = async () => {
    for (let step = 0; step < 6; step++) {
      for (const one of world.waiting.splice(0)) one()
      await settle()
    }
  }
  await through()
  expect(world.leading).toBe(1)
  const first = world.candidates.findIndex(({ leadership }) => leadership.term !== undefined)
  world.write(first)
  const late = world.waiting.splice(0)
  for (let at = 0; at < 12; at++) {
    await world.pass(100, first)
    await through()
  }
  const next = world.candidates.findIndex(
    ({ leadership }, at) => at !== first && leadership.term !== undefined,
  )
  expect(next).toBeGreaterThanOrEqual(0)
  world.write(next)
  for (const one of [...world.waiting.splice(0), ...late]) one()
  expect(world.written.map(({ by }) => by)).toEqual([next])
  await world.close()
})
