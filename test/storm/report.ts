import { cpus, totalmem } from 'node:os'
import { MAX_STALENESS_MS, type StormResult } from './storm.ts'
import type { Tally } from './tally.ts'

/** What came of a storm, as people like to read it. */
export function tell(result: StormResult, again: string): string {
  const { options, judge, writes, faults, seconds, answered } = result
  const { counts } = writes
  const total = answered.memory + answered.store + answered.loads
  const share = (count: number) => (total === 0 ? '0 %' : `${((100 * count) / total).toFixed(1)} %`)
  const struck = [...faults.counts].map(([name, count]) => `${name} ${count}`).join(', ')
  const lines = [
    `Storm in mode ${options.mode} over ${options.subject}: ${Math.round(seconds)} s, seed ${options.seed}, ${options.readers} readers and ${options.writers} writers, ${options.items} items`,
    `  faults: ${struck || 'none'}`,
    `  ${thousands(judge.all.reads)} reads judged (${thousands(judge.rows)} rows of them), ${thousands(Math.round(judge.all.reads / seconds))} a second`,
    `  answered from memory ${share(answered.memory)}, from the store ${share(answered.store)}, loads ${share(answered.loads)}`,
    `  transactions: ${thousands(counts.committed)} committed (${counts.applied} applied, ${counts.queued} queued, ${counts.unprotected} unprotected), ${counts.died} rows committed by writers that died, ${counts.rolledBack} rolled back, ${counts.aborted} aborted by the cache`,
    '',
    ...table(judge.byFreshness, judge.byFault, judge.all),
    '',
    ...[...judge.allowed].map(
      ([why, count]) => `  older than ${MAX_STALENESS_MS} ms and allowed to be: ${thousands(count)}, ${why}`,
    ),
    ...unjudged(result),
  ]
  for (const { promise, what, around } of judge.violations)
    lines.push('', `BROKEN: ${promise}`, `  ${what}`, ...around.map((line) => `    ${line}`))
  lines.push('')
  if (judge.violations.length === 0) lines.push('  Every promise was kept.')
  else {
    for (const [promise, times] of judge.broken) lines.push(`${times} times broken: ${promise}`)
    lines.push(`Again: ${again}`)
  }
  return lines.join('\n')
}

function unjudged({ judge: { unjudged } }: StormResult): string[] {
  const { tooOld, unknownWrite } = unjudged
  if (tooOld + unknownWrite === 0) return []
  return [`  not judged: ${tooOld} reads told too late, ${unknownWrite} of writes whose outcome nobody knows`]
}

const COLUMNS = ['reads', 'behind', 'p50', 'p99', 'oldest', 'broken', 'at most (95 %)']

function table(byFreshness: Map<string, Tally>, byFault: Map<string, Tally>, all: Tally): string[] {
  const rows: [string, Tally][] = [
    ...[...byFreshness].map(([name, tally]): [string, Tally] => [`asked: ${name}`, tally]),
    ...[...byFault].sort(([one], [other]) => (one < other ? -1 : 1)),
    ['all', all],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const line = (name: string, cells: readonly string[]) =>
    `  ${name.padEnd(width)}${cells.map((cell, at) => cell.padStart(at === 6 ? 16 : 12)).join('')}`
  return [
    line('', COLUMNS),
    ...rows.map(([name, tally]) => {
      const { reads, behind, violations, violationsAtMost, oldest } = tally.summary
      const age = (ms: number) => (behind === 0 ? '-' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`)
      return line(name, [
        thousands(reads),
        thousands(behind),
        ...[oldest.p50, oldest.p99, oldest.max].map(age),
        String(violations),
        `${(100 * violationsAtMost).toPrecision(2)} %`,
      ])
    }),
  ]
}

/** The same for programs. */
export function asJson({ options, judge, writes, faults, seconds, answered }: StormResult) {
  const { faults: wanted, enough: _, ...settings } = options
  const summaries = (tallies: Map<string, Tally>) =>
    Object.fromEntries([...tallies].map(([name, tally]) => [name, tally.summary]))
  return {
    at: new Date().toISOString(),
    machine: { cores: cpus().length, memoryGb: Math.round(totalmem() / 2 ** 30), node: process.version },
    ...settings,
    wanted: wanted.map(({ name }) => name),
    ran: seconds,
    maxStalenessMs: MAX_STALENESS_MS,
    struck: Object.fromEntries(faults.counts),
    rows: judge.rows,
    all: judge.all.summary,
    byFreshness: summaries(judge.byFreshness),
    byFault: summaries(judge.byFault),
    byTier: Object.fromEntries(judge.byTier),
    allowed: Object.fromEntries(judge.allowed),
    unjudged: judge.unjudged,
    answered,
    transactions: writes.counts,
    broken: Object.fromEntries(judge.broken),
    violations: judge.violations,
  }
}

function thousands(count: number): string {
  return count.toLocaleString('en-GB')
}
