/**
 * Prints the figures of storms as the Markdown tables of docs/guarantees.md.
 *
 *     npm run storm -- --mode strict --json strict.json && npm run docs:storms -- strict.json OTHER.json
 */
import { readFileSync } from 'node:fs'

interface Judged {
  readonly reads: number
  readonly behind: number
  readonly violations: number
  readonly violationsAtMost: number
  readonly oldest: { readonly p50: number; readonly p99: number; readonly max: number }
}

interface Storm {
  readonly mode: string
  readonly seed: number
  readonly ran: number
  readonly wanted: readonly string[]
  readonly struck: Readonly<Record<string, number>>
  readonly all: Judged
  readonly byFreshness: Readonly<Record<string, Judged>>
  readonly byFault: Readonly<Record<string, Judged>>
  readonly allowed: Readonly<Record<string, number>>
  readonly answered: { readonly memory: number; readonly store: number; readonly loads: number }
}

const storms = process.argv.slice(2).flatMap((file) => JSON.parse(readFileSync(file, 'utf8')) as Storm[])
const count = (number: number) => number.toLocaleString('en-US')
const percent = (share: number) => `${(100 * share).toPrecision(2).replace(/e.*$/, '')} %`
const small = (share: number) => `${Number((100 * share).toPrecision(2))} %`
const ms = (number: number | undefined) => (number === undefined ? '–' : `${count(Math.round(number))} ms`)
const row = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)
const head = (cells: readonly string[]) => {
  row(cells)
  row(cells.map(() => '---'))
}

head(['mode', 'for', 'faults', 'reads judged', 'broken', 'at most', 'hits kept'])
for (const { mode, ran, struck, all, answered, wanted } of storms) {
  const faults = Object.values(struck).reduce((sum, times) => sum + times, 0)
  const { memory, store, loads } = answered
  const where = wanted.some((name) => name.startsWith('sentinel'))
    ? ', Sentinel'
    : wanted.some((name) => name.startsWith('cluster'))
      ? ', Cluster'
      : ''
  const kept = percent((memory + store) / (memory + store + loads))
  row([
    `\`${mode}\`${where}`,
    `${Math.round(ran)} s`,
    faults,
    count(all.reads),
    count(all.violations),
    small(all.violationsAtMost),
    kept,
  ])
}

console.log()
head(['mode, read', 'behind', 'oldest: p50', 'p99', 'max', 'broken'])
for (const { mode, byFreshness } of storms) {
  for (const [freshness, { reads, behind, oldest, violations }] of Object.entries(byFreshness)) {
    const share = `${count(behind)} of ${count(reads)}`
    row([`\`${mode}\`, ${freshness}`, share, ms(oldest?.p50), ms(oldest?.p99), ms(oldest?.max), violations])
  }
}

console.log()
const faults = new Map<string, { reads: number; violations: number }>()
for (const { byFault } of storms) {
  for (const [name, { reads, violations }] of Object.entries(byFault)) {
    const fault = name.replace(/, (during|after)$/, '')
    const known = faults.get(fault) ?? { reads: 0, violations: 0 }
    faults.set(fault, { reads: known.reads + reads, violations: known.violations + violations })
  }
}
head(['while it lasts, and afterwards', 'reads judged', 'broken', 'at most'])
for (const [fault, { reads, violations }] of faults) {
  row([`\`${fault}\``, count(reads), violations, violations === 0 ? small(3 / reads) : '–'])
}
