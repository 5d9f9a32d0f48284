/** Hunts for one mutant: runs on sources that have it, and tells which schedule breaks a promise. */
import { randomChooser, turning } from '../explorer/choosers.ts'
import { type Played, play } from '../explorer/play.ts'
import { randomScenario } from '../explorer/random-scenario.ts'
import { minimise } from '../explorer/report.ts'
import type { ShapeName } from '../explorer/shapes.ts'
import { modeOf } from '../explorer/walk.ts'
import type { Mode } from '../judging/promises.ts'

/** What a hunt is given. */
export interface Hunt {
  readonly mode?: Mode | undefined
  readonly shape?: ShapeName | undefined
  /** Tried first. */
  readonly seed?: number | undefined
  /** For how long to look, in seconds of processor time. */
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
const hunts = JSON.parse(process.argv[2] ?? '[]') as readonly Hunt[]
for (const hunt of hunts) console.log(JSON.stringify(await look(hunt)))

async function look({ mode, shape, seed, seconds }: Hunt): Promise<Caught> {
  // Of its own time: a busy machine is not to decide what is caught.
  const until = spent() + seconds
  if (seed !== undefined) {
    const caught = await tryOut(seed, mode, shape)
    if (caught !== undefined) return { ...caught, tried: 1 }
  }
  let tried = seed === undefined ? 0 : 1
  for (let one = 1; spent() < until; one++) {
    tried++
    const caught = await tryOut(one, mode, shape)
    if (caught !== undefined) return { ...caught, tried }
  }
  return { tried }
}

function spent(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

async function tryOut(
  seed: number,
  asked: Mode | undefined,
  shape: ShapeName | undefined,
): Promise<Omit<Caught, 'tried'> | undefined> {
  const mode = asked ?? modeOf(seed)
  const scenario = randomScenario(seed, mode, shape)
  const played: Played = await play(scenario, randomChooser(seed))
  const [first] = played.violations
  if (first === undefined) return undefined
  const turns = await minimise(scenario, played)
  const { steps } = await play(scenario, turning(turns))
  return { seed, mode, promise: first.promise, steps, turns: turns.size }
}
