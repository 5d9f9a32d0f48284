import type { Mode } from './judge.ts'
import { type Actor, MAX_STALENESS, type Scenario, type Trouble } from './scenario.ts'

/** The troubles that go with the small scenarios, one at a time. */
export const SMALL_TROUBLES: Readonly<Record<string, Trouble>> = {
  none: {},
  evict: { evict: 1 },
  crash: { crash: 1 },
  lose: { lose: 1, pass: 1 },
  break: { break: 1 },
  disconnect: { disconnect: 1 },
  flush: { flush: 1 },
  failover: { failover: 1 },
  pass: { pass: 1 },
}

/** One key, up to two readers and two writers in two processes. */
export function smallScenario(
  mode: Mode,
  trouble: keyof typeof SMALL_TROUBLES,
  readers: 1 | 2 = 2,
  writers: 1 | 2 = 2,
  warm = true,
): Scenario {
  const freshness = mode === 'committed' ? { freshness: 'committed' as const } : {}
  const reader = (at: number, process: string): Actor => ({
    name: `reader ${at}`,
    process,
    deeds: [{ do: 'get', key: 'item:1', ...freshness }],
  })
  const writer = (at: number, process: string): Actor => ({
    name: `writer ${at}`,
    process,
    deeds: [{ do: 'unit', row: '1', end: 'commit' }],
  })
  return {
    name: `${mode}-${String(trouble)}-${readers}r${writers}w${warm ? '' : '-cold'}`,
    mode,
    processes: { A: 'old', B: 'old' },
    actors: [
      ...[reader(1, 'A'), reader(2, 'B')].slice(0, readers),
      ...[writer(1, 'B'), writer(2, 'A')].slice(0, writers),
    ],
    trouble: SMALL_TROUBLES[trouble] as Trouble,
    passes: [MAX_STALENESS],
    warm: warm ? ['item:1'] : [],
  }
}
