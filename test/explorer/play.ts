import { begin } from './actors.ts'
import { type Chooser, Conductor } from './conductor.ts'
import { Faults } from './faults.ts'
import type { Fingerprint } from './fingerprint.ts'
import { judge, type Violation } from './judge.ts'
import { readOne } from './readers.ts'
import { keysOf, MAX_STALENESS, type Scenario, SOFT_LOCK } from './scenario.ts'
import { World } from './world.ts'

/** What one schedule came to. */
export interface Played {
  readonly violations: readonly Violation[]
  /** Whether it was given up as not worth going on. */
  readonly cut: boolean
  /** Names the schedule, its scenario included. */
  readonly name: Fingerprint
  readonly choices: readonly number[]
  readonly usual: readonly number[]
  readonly steps: number
  readonly reads: number
  readonly story: readonly string[]
}

/** Plays a scenario once, in the order that somebody chooses, and judges what its readers saw. */
export async function play(scenario: Scenario, chooser: Chooser, story = false): Promise<Played> {
  const world = new World(scenario)
  const conductor = new Conductor(world, chooser, story)
  conductor.name.text(JSON.stringify({ ...scenario, name: '' }))
  try {
    await prologue(world, conductor)
    for (const actor of scenario.actors) begin(world, actor)
    await conductor.until(() => !world.busy, new Faults(world))
    const { history } = world
    if (history.troubles.length === 0 && !conductor.cut) await epilogue(world, conductor)
    const { name, choices, usual, cut, story: told = [] } = conductor
    return {
      violations: cut ? [] : judge(history, scenario.mode, MAX_STALENESS, storeKeeps(scenario)),
      cut,
      name,
      choices,
      usual,
      steps: world.taken,
      reads: history.reads.length,
      story: told,
    }
  } finally {
    await world.end()
  }
}

/** Whether nothing can make the store forget what it has been told. */
function storeKeeps({ trouble: { flush = 0, failover = 0 } }: Scenario): boolean {
  return flush + failover === 0
}

/** The processes start; where locks are in use the quarantine of a new store ends; all read what is warm. */
async function prologue(world: World, conductor: Conductor): Promise<void> {
  const { processes, warm = [], mode } = world.scenario
  for (const [name, map] of Object.entries(processes)) world.live(name, () => world.start(name, map))
  await conductor.settle()
  if (mode !== 'bounded') world.time.advance(SOFT_LOCK)
  // The first time into the store; the second time, under a lease, into memory.
  for (let round = 0; round < 2 && warm.length > 0; round++) await readAll(world, conductor, warm)
  await conductor.settle()
}

/** When all is over every process reads everything: at once, and when T has gone by. */
async function epilogue(world: World, conductor: Conductor): Promise<void> {
  const keys = keysOf(world.scenario)
  await conductor.settle()
  world.join()
  await lastReads(world, conductor, keys)
  if (world.history.split === undefined) return
  // Each has looked at the store by now, and told it again what is its own to tell.
  world.told()
  await lastReads(world, conductor, keys)
}

async function lastReads(world: World, conductor: Conductor, keys: readonly string[]): Promise<void> {
  await readAll(world, conductor, keys)
  await conductor.pass(MAX_STALENESS)
  await readAll(world, conductor, keys)
  await readAll(world, conductor, keys, 'committed')
}

async function readAll(
  world: World,
  conductor: Conductor,
  keys: readonly string[],
  freshness?: 'committed',
): Promise<void> {
  for (const { name: process } of world.alive()) {
    world.live(process, async () => {
      for (const key of keys) await readOne(world, key, { process, by: 'a last reader', freshness })
    })
  }
  await conductor.until(() => !world.busy)
}
