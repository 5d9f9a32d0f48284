/**
 * Throws mutated and generated input at everything that parses what comes from outside.
 *
 *     npm run fuzz                                  100 000 cases of each
 *     npm run fuzz -- --only tokens,entries         of these alone
 *     npm run fuzz -- --cases 1000000 --seed 7      more of them, and others
 *
 * The same seed gives the same cases. One that is wrong is made as small as it goes and printed.
 */
import { parseArgs } from 'node:util'
import { fuzz, growths, isOutOfProportion } from './run-target.ts'
import { targets } from './targets.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '20261120' },
  },
})
const [cases, seed] = [Number(values.cases), Number(values.seed)]
const only = values.only?.split(',') ?? targets.map(({ name }) => name)
const unknown = only.filter((name) => targets.every((target) => target.name !== name))
if (unknown.length > 0) throw new Error(`--only: ${unknown}; there are ${targets.map(({ name }) => name)}`)

const began = performance.now()
const wrong: string[] = []
console.log(
  [
    'target'.padEnd(17),
    'cases'.padStart(9),
    'seconds',
    'slowest, ms',
    'hard inputs: time grows at most',
  ].join('  '),
)
for (const target of targets) {
  if (!only.includes(target.name)) continue
  const { cases: run, seconds, slowestMs, failure } = await fuzz(target, cases, seed)
  if (failure !== undefined) wrong.push(`${target.name}: ${failure}`)
  const growing = growths(target)
  for (const one of growing.filter(isOutOfProportion))
    wrong.push(
      `${target.name}, ${one.input}: ${one.ms.toFixed(1)} ms at a length of ${one.length}, by its power ${one.power?.toFixed(2) ?? 'unknown'}`,
    )
  const steepest = growing.reduce((most, { power = 0 }) => Math.max(most, power), 0)
  const grows =
    growing.length === 0
      ? ''
      : steepest === 0
        ? `${growing.length}: too short to tell`
        : `${growing.length}: length^${steepest.toFixed(2)}`
  console.log(
    [
      target.name.padEnd(17),
      String(run).padStart(9),
      seconds.toFixed(1).padStart(7),
      slowestMs.toFixed(1).padStart(11),
      grows,
    ].join('  '),
  )
}
console.log(`${Math.round((performance.now() - began) / 1e3)} s, seed ${seed}`)
for (const one of wrong) console.error(`\n${one}`)
process.exitCode = wrong.length > 0 ? 1 : 0
