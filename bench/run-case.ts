import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { installClients } from '../test/databases/install.ts'
import type { BenchCase, Findings } from './case.ts'
import type { CaseReport } from './report.ts'
import { installPeers } from './support/install-peers.ts'

/** What a case's process sends. */
export interface Outcome {
  readonly findings: Findings
  /** Of the Redis it used, if it used one. */
  readonly redisVersion: string | undefined
}

/** How much a run takes upon itself: enough for guards, for the documents, or the largest sizes too. */
export type Effort = 'quick' | 'usual' | 'full'

/** Runs a case in a process of its own. Rejects where that fails; it has said why by then. */
export async function runCase(
  { name, title, peers = false, databases = false }: BenchCase,
  effort: Effort,
): Promise<{ report: CaseReport; redisVersion: string | undefined }> {
  if (peers) installPeers()
  if (databases) installClients()
  const began = performance.now()
  const child = fork(fileURLToPath(new URL('./child.ts', import.meta.url)), [name, effort], {
    serialization: 'advanced',
  })
  const { findings, redisVersion } = await new Promise<Outcome>((resolve, reject) => {
    let outcome: Outcome | undefined
    child.on('message', (message) => {
      outcome = message as Outcome
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (outcome !== undefined && code === 0) resolve(outcome)
      else reject(new Error(`The case ${name} failed (exit code ${code}).`))
    })
  })
  const report = { name, title, seconds: (performance.now() - began) / 1e3, ...findings }
  return { report, redisVersion }
}
