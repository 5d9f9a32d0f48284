import { CLUSTER_FAULTS } from './cluster-faults.ts'
import { network } from './network-faults.ts'
import { deploy, killWriter, stopReader } from './process-faults.ts'
import { clientKill, flushAll, memoryPressure, restartAof, restartEmpty } from './redis-faults.ts'
import type { Fault } from './scene.ts'
import { SENTINEL_FAULTS } from './sentinel-faults.ts'
import type { StormServer } from './servers.ts'

/** Everything that a storm can do. */
export const FAULTS: readonly Fault[] = [
  killWriter,
  stopReader,
  restartEmpty,
  restartAof,
  clientKill,
  network,
  flushAll,
  memoryPressure,
  deploy,
  ...SENTINEL_FAULTS,
  ...CLUSTER_FAULTS,
]

/** One arrangement of servers, and what is to happen to it. */
export interface Weather {
  readonly on: StormServer['kind']
  readonly faults: readonly Fault[]
  /** Of the time. */
  readonly share: number
}

/**
 * What a list of faults asks for: a Redis alone, one with Sentinel, a cluster, or one after the other.
 *
 * @throws where a name is none of a fault, or two cannot happen to the same servers
 */
export function weatherOf(list: string): readonly Weather[] {
  const possible = (on: StormServer['kind']) => FAULTS.filter((fault) => (fault.on ?? on) === on)
  if (list === 'all') {
    return [
      { on: 'standalone', faults: possible('standalone'), share: 1 / 2 },
      { on: 'sentinel', faults: possible('sentinel'), share: 1 / 4 },
      { on: 'cluster', faults: possible('cluster'), share: 1 / 4 },
    ]
  }
  if (list === 'none') return [{ on: 'standalone', faults: [], share: 1 }]
  for (const on of ['standalone', 'sentinel', 'cluster'] as const)
    if (list === on) return [{ on, faults: possible(on), share: 1 }]
  const faults = list.split(',').map((name) => named(name.trim()))
  const kinds = new Set(faults.flatMap(({ on }) => on ?? []))
  if (kinds.size > 1) throw new Error(`--faults: ${list}: not all of them can happen to the same servers`)
  return [{ on: [...kinds][0] ?? 'standalone', faults, share: 1 }]
}

function named(name: string): Fault {
  const fault = FAULTS.find((one) => one.name === name)
  if (fault !== undefined) return fault
  const known = FAULTS.map((one) => one.name).join(', ')
  throw new Error(
    `--faults: there is no ${name}; all, none, standalone, sentinel, cluster, or some of ${known}`,
  )
}
