import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Effort, Simulated, Situation } from './model.ts'

/** What one process of the run does. */
export interface RealOrder {
  readonly port: number
  readonly member: number
  readonly situation: Situation
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** What it counted, after its warm-up. */
export interface RealCounts {
  readonly reads: number
  readonly writes: number
  readonly memory: number
  readonly store: number
  readonly loads: number
  readonly misses: number
}

/** Does with real processes and a real Redis what the model simulates. */
export async function runForReal(
  port: number,
  situation: Situation,
  { warmUpSeconds, seconds }: Effort,
): Promise<Simulated & { readonly reads: number; readonly writes: number }> {
  const file = fileURLToPath(new URL('./real-process.ts', import.meta.url))
  const counts = await Promise.all(
    Array.from({ length: situation.processes }, async (_, member) => {
      const child = fork(file)
      const order: RealOrder = { port, member, situation, warmUpSeconds, seconds }
      child.send(order)
      const [counted] = (await once(child, 'message')) as [RealCounts]
      return counted
    }),
  )
  const sum = (name: keyof RealCounts) => counts.reduce((total, one) => total + one[name], 0)
  const reads = sum('reads')
  return {
    reads: reads / seconds,
    writes: sum('writes') / seconds,
    inMemory: sum('memory') / reads,
    inRedis: sum('store') / reads,
    loaded: sum('misses') / reads,
    old: Number.NaN,
    loads: sum('loads') / seconds,
  }
}
