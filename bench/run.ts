/**
 * `npm run bench`: measures everything; `npm run bench -- NAME…`: these cases only. Prints tables and writes them, as
 * JSON and Markdown, to `bench/results`, or to the folder of `--out FOLDER`. `--quick`: fewer rounds and smaller sizes.
 * `--full`: the largest sizes too. `--write-docs`: puts what was measured into `docs/benchmarks.md` and its charts.
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildLibrary } from './build.ts'
import { busyness, describeMachine } from './machine.ts'
import { type CaseReport, describe, printed, writeResults } from './report.ts'
import { runCase } from './run-case.ts'
import { peerVersions } from './support/peer-versions.ts'

const began = performance.now()
const busy = busyness()
await buildLibrary()
const { cases } = await import('./cases.ts')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    quick: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
    'write-docs': { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((name) => !cases.some((one) => one.name === name))
if (unknown.length > 0) {
  console.error(
    `No case is called ${unknown.join(', ')}. There are: ${cases.map(({ name }) => name).join(', ')}.`,
  )
  process.exit(2)
}
const chosen = positionals.length === 0 ? cases : cases.filter(({ name }) => positionals.includes(name))

const effort = values.quick ? 'quick' : values.full ? 'full' : 'usual'
const reports: CaseReport[] = []
let redisVersion: string | undefined
for (const one of chosen) {
  try {
    const done = await runCase(one, effort)
    reports.push(done.report)
    redisVersion ??= done.redisVersion
    console.log(printed(done.report))
  } catch (error) {
    // The others are worth having all the same.
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
const machine = describeMachine(redisVersion, chosen.some(({ peers }) => peers) ? peerVersions() : {}, busy)
console.log(`${describe(machine)} ${Math.round((performance.now() - began) / 1e3)} s in all.`)
await writeResults(values.out ?? fileURLToPath(new URL('./results', import.meta.url)), machine, reports)
if (values['write-docs']) {
  // It reaches the library, which has to be built first.
  const { writeDocs } = await import('./write-docs.ts')
  await writeDocs(machine, reports, effort)
}
