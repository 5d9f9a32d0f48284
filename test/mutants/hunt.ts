/** Hunts for one mutant: runs in a copy of the sources that has it, and tells which schedule breaks a promise. */
import { randomChooser, turning } from '../explorer/choosers.ts'
import { play } from '../explorer/play.ts'
import { randomScenario } from '../explorer/random-scenario.ts'
import { minimise } from '../explorer/report.ts'
import type { ShapeName } from '../explorer/shapes.ts'
import { modeOf } from '../explorer/walk.ts'
import type { Mode } from '../judging/promises.ts'

/** What a hunt is given. */
export interface Hunt {
  readonly mode?: Mode | undefined
  readonly shape?: ShapeName | undefined
  readonly seed?: number | undefined
  /** For how long to look, in seconds. */
  readonly seconds: number
}

/** What a hunt came to. */
export interface Caught {
  readonly seed?: number
  readonly mode?: Mode
  readonly promise?: string
  /** How many steps the shortest schedule found takes, and how many of its turns are not the usual way. */
  readonly steps?: number
  readonly turns?: number
  readonly tried: number
}

Error.stackTraceLimit = 0
const hunt = JSON.parse(process.argv[2] ?? '{}') as Hunt
console.log(JSON.stringify(await look(hunt)))

async function look({ mode, shape, seed, seconds }: Hunt): Promise<Caught> {
  const until = performance.now() + seconds * 1_000
  const seeds = seed === undefined ? [] : [seed]
  for (let tried = 0; tried < seeds.length || performance.now() < until; tried++) {
    const one = seeds[tried] ?? tried + 1 - seeds.length
    const wanted = mode ?? modeOf(one)
    const scenario = randomScenario(one, wanted, shape)
    const played = await play(scenario, randomChooser(one))
    const [first] = played.violations
    if (first === undefined) continue
    const turns = await minimise(scenario, played)
    const { steps } = await play(scenario, turning(turns))
    return { seed: one, mode: wanted, promise: first.promise, steps, turns: turns.size, tried: tried + 1 }
  }
  return { tried: -1 }
}
