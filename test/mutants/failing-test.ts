import { join } from 'node:path'
import { Copy } from './copy.ts'
import type { Mutant } from './mutant.ts'
import { ended } from './processes.ts'

/** Runs a mutant's test in a copy that has the mutant. @returns the first test that failed; undefined where none did */
export async function failsUnder(mutant: Mutant, redisPort: number): Promise<string | undefined> {
  const { test, only } = mutant.caughtBy ?? { test: '' }
  const copy = Copy.of(mutant)
  try {
    const vitest = join(copy.directory, 'node_modules/vitest/vitest.mjs')
    const args = [vitest, 'run', test, '--config', 'test/mutants/vitest.config.ts', '--reporter', 'json']
    if (only !== undefined) args.push('-t', only)
    const env = { ...process.env, MUTANTS_REDIS_PORT: String(redisPort), CI: '1' }
    const { said, complaints } = await ended(process.execPath, args, { cwd: copy.directory, env })
    const start = said.indexOf('{"numTotal')
    if (start < 0) throw new Error(`the test did not run: ${(complaints || said).slice(0, 500)}`)
    const report = JSON.parse(said.slice(start)) as Report
    const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
    if (report.numPassedTests + report.numFailedTests === 0) throw new Error(`no test of ${test} was run`)
    const failed = tests.find(({ status }) => status === 'failed')
    return failed === undefined ? undefined : `${test}: ${failed.fullName.trim()}`
  } finally {
    copy.remove()
  }
}

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}
