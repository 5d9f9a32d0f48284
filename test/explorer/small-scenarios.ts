import type { Mode } from '../judging/promises.ts'
import { type Actor, MAX_STALENESS, type Scenario, type Trouble } from './scenario.ts'

/** The troubles that go with the small scenarios, one at a time. */
const TROUBLES: Readonly<Record<string, Trouble>> = {
  none: {},
  evict: { evict: 1 },
  crash: { crash: 1 },
  lose: { lose: 1 },
  break: { break: 1 },
  disconnect: { disconnect: 1 },
  flush: { flush: 1 },
  failover: { failover: 1 },
  pass: { pass: 1 },
}

/** A scenario small enough to go through: wholly, or as far as few turns lead. */
export interface Small {
  readonly scenario: Scenario
  readonly complete: boolean
}

/** One key; a reader and a writer wholly, two readers and two writers as far as few turns lead. */
export function smallScenarios(mode: Mode | undefined): Small[] {
  const modes: readonly Mode[] = mode === undefined ? ['bounded', 'committed', 'strict'] : [mode]
  return modes.flatMap((one) =>
    Object.keys(TROUBLES).flatMap((trouble) => [
      { scenario: small(one, trouble, 1), complete: true },
      { scenario: small(one, trouble, 2), complete: false },
    ]),
  )
}

/** By its name, such as `bounded-crash-2`. */
export function scenarioOf(name: string): Scenario {
  const found = smallScenarios(undefined).find(({ scenario }) => scenario.name === name)
  if (found === undefined) throw new Error(`--scenario: there is none named ${name}`)
  return found.scenario
}

function small(mode: Mode, trouble: string, each: 1 | 2): Scenario {
  const freshness = mode === 'committed' ? { freshness: 'committed' as const } : {}
  const reader = (name: string, process: string): Actor => {
    return { name, process, deeds: [{ do: 'get', key: 'item:1', ...freshness }] }
  }
  const writer = (name: string, process: string): Actor => {
    return { name, process, deeds: [{ do: 'unit', row: '1', end: 'commit' }] }
  }
  const actors = [
    reader('reader 1', 'A'),
    writer('writer 1', 'B'),
    reader('reader 2', 'B'),
    writer('writer 2', 'A'),
  ]
  return {
    name: `${mode}-${trouble}-${each}`,
    mode,
    processes: { A: 'old', B: 'old' },
    actors: actors.slice(0, 2 * each),
    trouble: TROUBLES[trouble] as Trouble,
    passes: [MAX_STALENESS],
    warm: ['item:1'],
  }
}
