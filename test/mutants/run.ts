/**
 * Takes each guard out in turn and shows what misses it: a schedule of the explorer, or a test.
 *
 *     npm run mutants                         all of them
 *     npm run mutants -- --only lease,epoch   those whose name or rule says so
 *     npm run mutants -- --seconds 60         looks longer for those whose known seed does not catch them
 *     npm run mutants -- --pin                writes down the seeds that have caught them
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle } from '../explorer/bundle.ts'
import { startRedis } from '../support/redis.ts'
import { failsUnder } from './failing-test.ts'
import type { Caught, Hunt } from './hunt.ts'
import { edited, type Mutant } from './mutant.ts'
import { mutants } from './mutants.ts'
import { answersOf } from './processes.ts'
import { rules } from './rules.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '20' },
    jobs: { type: 'string', default: '2' },
    pin: { type: 'boolean' },
  },
})

const PINNED = new URL('./seeds.json', import.meta.url)
const started = Date.now()
const seeds = JSON.parse(readFileSync(PINNED, 'utf8')) as Record<string, number>
const wanted = values.only.split(',')
const chosen = mutants.filter(({ name, rule }) => wanted.some((text) => `${name} ${rule}`.includes(text)))
const directory = mkdtempSync(join(tmpdir(), 'mutants-'))
/** What caught each mutant, by its name. */
const caught = new Map<string, string>()
const survivors: string[] = []
try {
  if (values.pin === true) pin()
  const innocent = await innocents()
  await inTurn(chosen.filter(({ caughtBy }) => caughtBy === undefined))
  const tested = chosen.filter(({ caughtBy }) => caughtBy !== undefined)
  if (tested.length > 0) {
    const redis = await startRedis()
    try {
      await inTurn(tested, redis.port)
    } finally {
      await redis.stop()
    }
  }
  table()
  for (const line of innocent) console.log(line)
  if (innocent.length > 0) process.exitCode = 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}
const seconds = Math.round((Date.now() - started) / 1_000)
console.log(`\n${chosen.length - survivors.length} of ${chosen.length} mutants caught in ${seconds} s`)
for (const name of survivors) console.log(`SURVIVED: ${name}`)
if (survivors.length > 0) process.exitCode = 1

/** Writes down the seeds of the mutants that are hunted. */
function pin(): void {
  const hunted = new Set(mutants.flatMap(({ name, caughtBy }) => (caughtBy === undefined ? [name] : [])))
  const known = Object.entries(seeds).filter(([name]) => hunted.has(name))
  writeFileSync(PINNED, `${JSON.stringify(Object.fromEntries(known.sort()), undefined, 2)}\n`)
}

/** Tries some at a time. */
async function inTurn(all: readonly Mutant[], redisPort?: number): Promise<void> {
  const left = [...all]
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      const line = await tryOut(one, redisPort).catch((error: Error) => `  ${error.message}`)
      if (line === undefined || line.startsWith(' ')) survivors.push(one.name)
      else caught.set(one.name, line)
      console.log(`${one.name.padEnd(72)}  ${line ?? 'SURVIVED'}`)
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker))
}

/** What caught the mutant; undefined where nothing did. */
async function tryOut(one: Mutant, redisPort: number | undefined): Promise<string | undefined> {
  if (one.caughtBy !== undefined) return failsUnder(one, redisPort ?? 0)
  const { name, mode, shape } = one
  const folder = join(directory, String(mutants.indexOf(one)))
  const script = await bundle('mutants/hunt', folder, (file, text) => edited(one, file, text))
  const hunt: Hunt = { mode, shape, seed: seeds[name], seconds: Number(values.seconds) }
  const [answer] = await answersOf<Caught>(script, [hunt])
  rmSync(folder, { recursive: true, force: true })
  if (answer?.seed === undefined) return undefined
  // As it stands, the seed has been played on the real sources before; any other one has not.
  if (answer.seed !== seeds[name]) {
    const [real] = await answersOf<Caught>(await unchanged(), [{ ...hunt, seed: answer.seed, seconds: 0 }])
    if (real?.seed !== undefined) return ` seed ${answer.seed} breaks a promise on the real sources too`
    seeds[name] = answer.seed
    if (values.pin === true) pin()
  }
  const shaped = shape === undefined ? '' : ` --shape ${shape}`
  return `--mode ${answer.mode}${shaped} --seed ${answer.seed}: ${answer.promise} (${answer.turns} turns, ${answer.steps} steps)`
}

/** The known seeds that break a promise on the real sources, which would prove nothing. */
async function innocents(): Promise<readonly string[]> {
  const known = chosen.filter(({ name, caughtBy }) => caughtBy === undefined && seeds[name] !== undefined)
  const hunts = known.map(({ name, mode, shape }): Hunt => ({ mode, shape, seed: seeds[name], seconds: 0 }))
  const answers = await answersOf<Caught>(await unchanged(), hunts)
  return answers.flatMap(({ seed, promise }, at) =>
    seed === undefined
      ? []
      : [`${known[at]?.name}: seed ${seed} breaks a promise on the real sources too: ${promise}`],
  )
}

function unchanged(): Promise<string> {
  return bundle('mutants/hunt', join(directory, 'unchanged'))
}

/** Rule by rule: which mutants stand for it, and what caught each. */
function table(): void {
  for (const { section, says, mutants: names = [], because } of rules) {
    const shown = names.filter((name) => chosen.some((one) => one.name === name))
    if (shown.length === 0 && values.only !== '') continue
    console.log(`\n${section} ${says}`)
    for (const name of shown) console.log(`    ${name}\n        ${caught.get(name) ?? 'SURVIVED'}`)
    if (because !== undefined) console.log(`    ${because}`)
  }
  console.log()
}
