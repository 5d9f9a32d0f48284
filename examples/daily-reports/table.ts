import { LATE_MS, type Staleness } from './judge.ts'
import type { Policy } from './long-lifetimes.ts'
import { PROMISED } from './promises.ts'
import type { Measured } from './replay.ts'

type Row = readonly [label: string, ...cells: string[]]

/** Both caches over the same traffic, and the promise. 76 columns. */
export function resultTable(plain: Measured, coherent: Measured): string[] {
  const both = (label: string, of: (one: Measured) => string, promise = ''): Row => [
    label,
    of(plain),
    of(coherent),
    promise,
  ]
  const rows: Row[] = [
    ['', 'plain cache', 'coherent', 'promised'],
    both('reads', ({ any }) => whole(any.reads)),
    both('stale reads', ({ any }) => whole(any.stale)),
    both(`  more than ${LATE_MS} ms after the write`, ({ any }) => whole(any.late)),
    both('oldest stale answer', ({ any }) => age(any)),
    both('  stale on the replica that wrote', ({ own }) => whole(own.stale)),
    both('    oldest', ({ own }) => age(own), limit(PROMISED.ownMs)),
    both('  stale on the other replicas', ({ others }) => whole(others.stale)),
    both('    oldest', ({ others }) => age(others), limit(PROMISED.othersMs)),
    [
      "    oldest, freshness: 'committed'",
      'cannot ask',
      age(coherent.committed),
      limit(PROMISED.committedMs),
    ],
    both('reports computed by the database', ({ databaseQueries }) => whole(databaseQueries)),
    both('hit rate', ({ hitRate }) => percent(hitRate)),
    both('read latency, p50', ({ readMs }) => `${readMs.p50.toFixed(3)} ms`),
    both('read latency, p99', ({ readMs }) => `${readMs.p99.toFixed(1)} ms`),
  ]
  return rows.map(([label, ...cells]) => line(label, 34, cells, 14))
}

/** Lifetimes against hit rates. */
export function lifetimeTable(policies: readonly Policy[]): string[] {
  const rows = policies.map(
    (policy): Row => [policy.label, percent(policy.hitRate), whole(policy.stale), age(policy)],
  )
  return [['lifetime', 'hit rate', 'stale reads', 'oldest'] as Row, ...rows].map(([label, ...cells]) =>
    line(label, 34, cells, 14),
  )
}

export function line(label: string, labelWidth: number, cells: readonly string[], width: number): string {
  return `${label.padEnd(labelWidth)}${cells.map((cell) => cell.padStart(width)).join('')}`.trimEnd()
}

export function whole(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}

function age({ stale, oldestMs }: Pick<Staleness, 'stale' | 'oldestMs'>): string {
  return stale === 0 ? '-' : `${whole(Math.max(1, oldestMs))} ms`
}

function limit(ms: number): string {
  return ms === 0 ? 'never stale' : `${whole(ms)} ms`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
