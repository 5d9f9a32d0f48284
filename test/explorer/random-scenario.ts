import { Dice } from './dice.ts'
import type { Mode } from './judge.ts'
import type { Actor, Deed, Scenario, Told, Trouble } from './scenario.ts'
import type { MapName } from './shop.ts'

const PASSES = [1, 60, 260, 500, 1_000, 1_100, 3_100]
const TROUBLES = ['evict', 'crash', 'lose', 'break', 'disconnect', 'flush', 'failover'] as const

/** A scenario that follows from its seed alone. */
export function randomScenario(seed: number, mode: Mode): Scenario {
  const dice = new Dice(seed, 1)
  const processes: Record<string, MapName> = { A: 'old', B: dice.chance(0.2) ? 'new' : 'old' }
  if (dice.chance(0.25)) processes.C = dice.of(['old', 'old', 'new'])
  const names = Object.keys(processes)
  const keys = someKeys(dice)
  const actors: Actor[] = []
  const readers = 1 + dice.count(2, 0.6)
  for (let at = 1; at <= readers; at++) {
    const deeds = Array.from({ length: 1 + dice.count(2, 0.6) }, () => reading(dice, keys))
    actors.push({ name: `reader ${at}`, process: dice.of(names), deeds })
  }
  const writers = 1 + dice.count(2, 0.4)
  for (let at = 1; at <= writers; at++) {
    const deeds = Array.from({ length: 1 + dice.count(2, 0.3) }, () => writing(dice, keys))
    // One who reads what it has just written finds out most.
    if (dice.chance(0.6)) deeds.push({ do: 'get', key: dice.of(keys) })
    actors.push({ name: `writer ${at}`, process: dice.of(names), deeds })
  }
  if (dice.chance(0.1)) actors.push(newcomer(dice, keys))
  return {
    name: `seed ${seed}`,
    mode,
    processes,
    memory: !dice.chance(0.08),
    onStoreUnavailable: dice.chance(0.2) ? 'proceed' : 'abort',
    ttl: dice.chance(0.1) ? 1_500 : 600_000,
    actors,
    trouble: trouble(dice),
    passes: PASSES,
    warm: dice.chance(0.8) ? keys : [],
  }
}

function someKeys(dice: Dice): readonly string[] {
  return dice.of([
    ['item:1'],
    ['item:1'],
    ['item:1', 'item:2'],
    ['item:1', 'sum:a'],
    ['both:x'],
    ['item:1', 'both:x'],
  ])
}

function reading(dice: Dice, keys: readonly string[]): Deed {
  const key = dice.of(keys)
  const at = dice.fraction()
  if (at < 0.45) return { do: 'get', key }
  if (at < 0.55) return { do: 'getEntry', key }
  if (at < 0.72) return { do: 'get', key, freshness: 'committed' }
  if (at < 0.8) return { do: 'get', key, freshness: 'reload' }
  if (at < 0.86) return { do: 'getMany', keys, ...(dice.chance(0.3) ? { freshness: 'committed' } : {}) }
  if (at < 0.92) return { do: 'follow', key }
  if (at < 0.96) return { do: 'peek', key }
  return { do: 'fill', key }
}

function writing(dice: Dice, keys: readonly string[]): Deed {
  const row = dice.chance(0.8) ? '1' : '2'
  if (dice.chance(0.35)) {
    const told = dice.of<Told>(['row', 'table', 'keys', 'pattern', 'adhoc', 'scope', 'clear'])
    return { do: 'write', row, told }
  }
  const told = dice.chance(0.7) ? 'row' : dice.of(['keys', 'pattern', 'adhoc', 'scope'] as const)
  const inside = () => (dice.chance(0.2) ? dice.of(keys) : undefined)
  const reads = [inside(), inside()] as const
  return { do: 'unit', row, end: dice.chance(0.85) ? 'commit' : 'rollback', reads, told }
}

function newcomer(dice: Dice, keys: readonly string[]): Actor {
  const map = dice.of(['old', 'new'] as const)
  const deeds: Deed[] = [
    { do: 'start', process: 'N', map },
    { do: 'get', key: dice.of(keys) },
    { do: 'get', key: dice.of(keys) },
  ]
  return { name: 'newcomer', process: 'N', deeds }
}

function trouble(dice: Dice): Trouble {
  const found: Record<string, number> = {}
  const passes = dice.count(5, 0.6)
  if (passes > 0) found.pass = passes
  for (let left = dice.count(3, 0.5); left > 0; left--) {
    const kind = dice.of(TROUBLES)
    found[kind] = (found[kind] ?? 0) + 1
  }
  return found
}
