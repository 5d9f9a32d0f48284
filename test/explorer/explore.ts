/**
 * Explores the orders in which things can happen.
 *
 *     npm run explore                              a minute of everything
 *     npm run explore -- --minutes 60 --seed 1000  random walks for an hour, from that seed on
 *     npm run explore -- --jobs 2                  in two processes
 *     npm run explore -- --mode strict             in one mode
 *     npm run explore -- --shape restart           of one shape of scenario
 *     npm run explore -- --seed 7                  one schedule, step by step
 *     npm run explore -- --exhaustive              every schedule of the small scenarios
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle } from './bundle.ts'
import { FingerprintSet } from './fingerprint.ts'
import type { Summary } from './session.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    runs: { type: 'string' },
    minutes: { type: 'string' },
    mode: { type: 'string' },
    shape: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    exhaustive: { type: 'boolean' },
    scenario: { type: 'string' },
    turns: { type: 'string' },
    failures: { type: 'string', default: '1' },
  },
})

const directory = mkdtempSync(join(tmpdir(), 'explore-'))
try {
  const script = await bundle('explorer/session', directory)
  const jobs = Array.from({ length: Number(values.jobs) }, (_, job) => job)
  const outcomes = await Promise.all(jobs.map((job) => run(script, job, jobs.length)))
  const summaries = outcomes.flatMap(({ summary }) => summary ?? [])
  if (summaries.length > 0) console.log(total(summaries))
  process.exitCode = Math.max(...outcomes.map(({ code }) => code))
} finally {
  rmSync(directory, { recursive: true, force: true })
}

interface Outcome {
  readonly code: number
  readonly summary: Summary | undefined
}

/** One process, which explores every `jobs`-th seed or small scenario. */
function run(script: string, job: number, jobs: number): Promise<Outcome> {
  const given = JSON.stringify({ ...values, job, jobs, result: join(directory, `result-${job}`) })
  const child = spawn(process.execPath, [script, given], { stdio: ['ignore', 'inherit', 'inherit'] })
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code: code ?? 1, summary: read(join(directory, `result-${job}`)) }))
  })
}

/** A process that told one schedule, or that died, has no result. */
function read(file: string): Summary | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Summary
  } catch {
    return undefined
  }
}

function total(summaries: readonly Summary[]): string {
  const sum = (of: (summary: Summary) => number) =>
    summaries.reduce((before, summary) => before + of(summary), 0)
  const distinct = new FingerprintSet()
  for (const { seen } of summaries) distinct.read(readFileSync(seen))
  const seconds = Math.max(...summaries.map((summary) => summary.seconds))
  const schedules = sum((summary) => summary.schedules)
  return `${schedules} schedules, ${distinct.size} of them distinct, in ${Math.round(seconds)} s; ${sum((one) => one.reads)} reads judged, ${sum((one) => one.steps)} steps; ${Math.round(schedules / seconds)} schedules a second; ${sum((one) => one.failures)} broke a promise`
}
