import type { Mode } from '../judging/promises.ts'
import { Dice } from './dice.ts'
import type { Actor, Deed, Scenario, Trouble } from './scenario.ts'
import { FIRST_SHAPES, type Shape, type ShapeName, shapes } from './shapes.ts'
import type { MapName } from './shop.ts'

/** A scenario that follows from its seed alone: of the shape that is asked for, else of one that follows from it too. */
export function randomScenario(seed: number, mode: Mode, shapeName?: ShapeName): Scenario {
  const dice = new Dice(seed, 1)
  const first = dice.chance(0.3) ? 'general' : dice.of(FIRST_SHAPES)
  const drawn = new Dice(seed, 7).chance(0.05) ? 'refresh' : first
  const shape: Shape = shapes[shapeName ?? drawn]
  const processes: Record<string, MapName> = { A: 'old' }
  if (!shape.alone) processes.B = dice.chance(shape.otherMap) ? 'new' : 'old'
  if (!shape.alone && dice.chance(0.2)) processes.C = dice.chance(shape.otherMap) ? 'new' : 'old'
  const names = shape.places === 'one' ? ['A'] : Object.keys(processes)
  const keys = dice.of(shape.keys)
  return {
    name: `seed ${seed}`,
    mode,
    processes,
    alone: shape.alone,
    memory: dice.chance(shape.memory),
    room: dice.of(shape.room),
    onStoreUnavailable: dice.chance(0.2) ? 'proceed' : 'abort',
    ttl: dice.of(shape.ttls),
    ...(shape.refreshes ? { refreshes: true } : {}),
    ...(shape.replicas ? { replicas: true } : {}),
    actors: [
      ...readers(dice, shape, names, keys),
      ...writers(dice, shape, names, keys),
      ...(dice.chance(shape.newcomer) ? [newcomer(dice, keys)] : []),
    ],
    trouble: trouble(dice, shape),
    passes: shape.passes,
    warm: dice.chance(shape.warm) ? keys : [],
  }
}

function readers(
  dice: Dice,
  { readers, reads }: Shape,
  names: readonly string[],
  keys: readonly string[],
): Actor[] {
  return Array.from({ length: 1 + dice.below(readers) }, (_, at) => {
    const deeds = Array.from({ length: 1 + dice.below(3) }, () => dice.of(reads)(dice, keys))
    return { name: `reader ${at + 1}`, process: dice.of(names), deeds }
  })
}

function writers(dice: Dice, shape: Shape, names: readonly string[], keys: readonly string[]): Actor[] {
  return Array.from({ length: 1 + dice.below(shape.writers) }, (_, at) => {
    const deeds = Array.from({ length: 1 + dice.count(2, 0.25) }, () => writing(dice, shape, keys))
    // One who reads what it has just written finds out most.
    if (dice.chance(0.6)) deeds.push({ do: 'get', key: dice.of(keys) })
    return { name: `writer ${at + 1}`, process: dice.of(names), deeds }
  })
}

function writing(dice: Dice, shape: Shape, keys: readonly string[]): Deed {
  const row = dice.of(shape.rows)
  const told = dice.of(shape.told)
  if (!dice.chance(shape.units) || told === 'table' || told === 'clear') return { do: 'write', row, told }
  const inside = () => (dice.chance(0.15) ? dice.of(keys) : undefined)
  return {
    do: 'unit',
    row,
    end: dice.chance(0.88) ? 'commit' : 'rollback',
    reads: [inside(), inside()],
    told,
  }
}

function newcomer(dice: Dice, keys: readonly string[]): Actor {
  const map = dice.of(['old', 'new'] as const)
  const read = (): Deed => ({ do: 'get', key: dice.of(keys) })
  return { name: 'newcomer', process: 'N', deeds: [{ do: 'start', process: 'N', map }, read(), read()] }
}

function trouble(dice: Dice, shape: Shape): Trouble {
  const found: Record<string, number> = {}
  const passes = dice.below(shape.mostPasses + 1)
  if (passes > 0) found.pass = passes
  for (let left = dice.below(shape.mostTrouble + 1); left > 0; left--) {
    const kind = dice.of(shape.trouble)
    found[kind] = (found[kind] ?? 0) + 1
  }
  return found
}
