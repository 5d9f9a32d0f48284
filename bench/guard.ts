/**
 * `npm run bench:guard`: fails where a ratio or a count that must hold on any machine does not. Absolute times are never
 * compared. A machine may have a bad moment: a number that misses its limit by less than half is measured again, up to
 * three times in all, and the best counts.
 */
import { buildLibrary } from './build.ts'
import type { BenchCase, Findings, Guard } from './case.ts'
import { formatCell } from './report.ts'
import { runCase } from './run-case.ts'

const ATTEMPTS = 3
let failed = 0
await buildLibrary()
const { cases } = await import('./cases.ts')

for (const one of cases) {
  const guards = one.guards ?? []
  const best = new Map<Guard, number>()
  for (
    let attempt = 0;
    attempt < ATTEMPTS && guards.some((guard) => isOpen(guard, best.get(guard)));
    attempt++
  ) {
    const measures = await measure(one)
    for (const guard of guards)
      best.set(guard, better(guard, best.get(guard), measures[guard.measure] ?? Number.NaN))
  }
  for (const guard of guards) {
    const value = best.get(guard)
    const passed = holds(guard, value)
    if (!passed) failed++
    const limit = guard.atLeast === undefined ? `at most ${guard.atMost}` : `at least ${guard.atLeast}`
    console.log(
      `${passed ? 'ok  ' : 'FAIL'} ${one.name}, ${guard.measure}: ${formatCell(value)}, must be ${limit}\n     (${guard.is})`,
    )
  }
}
if (failed > 0) console.error(`${failed} of the bench guards failed.`)
process.exitCode = failed > 0 ? 1 : 0

/** A case that cannot be run to its end has measured nothing, and so fails its guards. */
async function measure(one: BenchCase): Promise<Findings['measures']> {
  try {
    return (await runCase(one, 'quick')).report.measures
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return {}
  }
}

function holds(
  { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY }: Guard,
  value = Number.NaN,
) {
  return value >= atLeast && value <= atMost
}

/** Whether another attempt may make it hold. */
function isOpen(guard: Guard, value: number | undefined): boolean {
  if (value === undefined) return true
  const { atLeast = 0, atMost = Number.POSITIVE_INFINITY } = guard
  return !holds(guard, value) && value >= atLeast / 1.5 && value <= atMost * 1.5
}

function better({ atLeast }: Guard, known: number | undefined, value: number): number {
  if (known === undefined || Number.isNaN(known)) return value
  return atLeast === undefined ? Math.min(known, value) : Math.max(known, value)
}
