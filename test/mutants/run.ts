/**
 * Takes each guard out in turn and shows which schedule misses it.
 *
 *     npm run mutants                         all of them
 *     npm run mutants -- --only lease         those whose name or rule says so
 *     npm run mutants -- --seconds 60         looks longer for each
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Copy } from './copy.ts'
import type { Caught, Hunt } from './hunt.ts'
import type { Mutant } from './mutant.ts'
import { mutants } from './mutants.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '20' },
    json: { type: 'boolean' },
  },
})

const started = Date.now()
const chosen = mutants.filter(({ name, rule }) => `${name} ${rule}`.includes(values.only ?? ''))
const survivors: string[] = []
for (const one of chosen) {
  const line = await tryOut(one).catch((error: Error) => ({ error: error.message }))
  console.log(values.json === true ? JSON.stringify({ name: one.name, ...line }) : row(one, line))
  if (!('seed' in line)) survivors.push(one.name)
}
const seconds = Math.round((Date.now() - started) / 1_000)
console.log(`${chosen.length - survivors.length} of ${chosen.length} mutants caught in ${seconds} s`)
for (const name of survivors) console.log(`SURVIVED: ${name}`)
process.exitCode = survivors.length === 0 ? 0 : 1

/** Plays schedules on a copy that has the mutant. */
async function tryOut({ edits, mode, shape, seed }: Mutant): Promise<Caught> {
  const copy = Copy.of(edits)
  try {
    return await hunt(copy.directory, { mode, shape, seed, seconds: Number(values.seconds) })
  } finally {
    copy.remove()
  }
}

function hunt(directory: string, what: Hunt): Promise<Caught> {
  const loaders = [
    '--import',
    'tsx',
    '--import',
    fileURLToPath(new URL('../../scripts/text-loader.mjs', import.meta.url)),
  ]
  const program = [...loaders, join(directory, 'test/mutants/hunt.ts'), JSON.stringify(what)]
  const env = { ...process.env, TSX_TSCONFIG_PATH: join(directory, 'test/explorer/tsconfig.json') }
  const child = spawn(process.execPath, program, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaints += text
  })
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(said) as Caught)
      else reject(new Error(`the hunt ended with ${code}: ${complaints.slice(0, 500)}`))
    })
  })
}

function row({ name }: Mutant, result: Caught | { readonly error: string }): string {
  if ('error' in result) return `${name.padEnd(64)}  ${result.error}`
  if (result.seed === undefined) return `${name.padEnd(64)}  SURVIVED`
  const { mode, seed, promise, steps, turns } = result
  return `${name.padEnd(64)}  ${mode} seed ${seed}: ${promise} (${turns} turns, ${steps} steps)`
}
