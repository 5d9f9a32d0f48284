import { network } from './network-faults.ts'
import { deploy, killWriter, stopReader } from './process-faults.ts'
import { clientKill, flushAll, memoryPressure, restartAof, restartEmpty } from './redis-faults.ts'
import type { Fault } from './scene.ts'

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
]

/** @throws where a name is none of a fault */
export function faultsNamed(list: string): readonly Fault[] {
  if (list === 'all') return FAULTS
  if (list === 'none') return []
  return list.split(',').map((name) => {
    const fault = FAULTS.find((one) => one.name === name.trim())
    if (fault !== undefined) return fault
    throw new Error(
      `--faults: there is no ${name.trim()}; all, none, or some of ${FAULTS.map((one) => one.name).join(', ')}`,
    )
  })
}
