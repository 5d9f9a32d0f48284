import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import type { BenchContext } from '../case.ts'
import type { Measured } from '../measures/measure.ts'
import type { MeasureName } from '../measures/measures.ts'
import type { ContenderKind } from './contender.ts'

/**
 * Measures one contender in a process of its own: none pays for another's async hooks, timers or call sites, and each is
 * compared with bare calls in the same process. What cannot be measured says so, and is left out.
 */
export async function measureContender(
  name: MeasureName,
  kind: ContenderKind,
  { quick, full, redis }: BenchContext,
): Promise<Measured> {
  const { port } = await redis()
  const client = new Redis(port)
  await client.flushall()
  client.disconnect()
  const child = fork(
    fileURLToPath(new URL('./measure-child.ts', import.meta.url)),
    [name, kind.name, String(port), quick ? 'quick' : full ? 'full' : 'usual'],
    { serialization: 'advanced' },
  )
  return new Promise((resolve, reject) => {
    let measured: Measured | undefined
    child.on('message', (message) => {
      measured = message as Measured
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (measured !== undefined) resolve(measured)
      else reject(new Error(`${name} of ${kind.name} failed (exit code ${code}).`))
    })
  })
}

/** Measures all of them, one after the other. One that fails says why, and has no figures. */
export async function measureAll(
  name: MeasureName,
  kinds: readonly ContenderKind[],
  context: BenchContext,
): Promise<{ kind: ContenderKind; measured: Measured }[]> {
  const all: { kind: ContenderKind; measured: Measured }[] = []
  for (const kind of kinds) {
    const measured = await measureContender(name, kind, context).catch((error: Error) => {
      console.error(error.message)
      return {}
    })
    all.push({ kind, measured })
  }
  return all
}

/** The middle of a figure, for a case's measures. */
export function middle(figure: Measured[string]): number {
  return typeof figure === 'number' ? figure : (figure?.median ?? Number.NaN)
}
