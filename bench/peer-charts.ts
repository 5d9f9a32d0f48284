import type { Cell } from './case.ts'
import { type RankChart, rankChart } from './chart.ts'
import type { CaseReport } from './report.ts'

/** A chart of one column of a case's table. */
interface Drawn extends Omit<RankChart, 'bars'> {
  readonly file: string
  readonly of: string
  readonly table: number
  /** From the end where it is negative. */
  readonly column: number
  /** A column of which it is a share, in percent. */
  readonly shareOf?: number
}

const DRAWN: readonly Drawn[] = [
  {
    file: 'stale-fills',
    of: 'consistency',
    table: 0,
    column: 2,
    shareOf: 0,
    title: 'Old values kept for good by a load that ends after the invalidation',
    scale: '% of the races; fewer is better',
    better: 'less',
  },
  {
    file: 'lost-message',
    of: 'consistency',
    table: 1,
    column: 1,
    title: 'Old answers after a lost message',
    scale: 'milliseconds, watched for 3,000; fewer is better',
    better: 'less',
  },
  {
    file: 'outage-read',
    of: 'consistency',
    table: 2,
    column: 1,
    title: 'The longest read while Redis is away',
    scale: 'milliseconds; fewer is better',
    better: 'less',
  },
  {
    file: 'memory-hit',
    of: 'peers-memory-hit',
    table: 0,
    column: 1,
    title: 'A hit in memory',
    scale: 'speed of an awaited bare lru-cache; more is better',
    better: 'more',
  },
  {
    file: 'store-hit',
    of: 'peers-store-hit',
    table: 0,
    column: 2,
    title: 'A hit in Redis, 64 in flight',
    scale: 'speed of a bare GET; more is better',
    better: 'more',
  },
  {
    file: 'get-many',
    of: 'peers-get-many',
    table: 0,
    column: 1,
    title: '100 keys in Redis',
    scale: 'times one bare MGET; fewer is better',
    better: 'less',
  },
  {
    file: 'miss',
    of: 'peers-miss',
    table: 0,
    column: 1,
    title: 'A miss over Redis',
    scale: 'times a bare GET; fewer is better',
    better: 'less',
  },
  {
    file: 'cold-read',
    of: 'cold-read',
    table: 0,
    column: 2,
    title: 'The first cold read while Redis is frozen for 4 s',
    scale: 'milliseconds; fewer is better',
    better: 'less',
  },
  {
    file: 'groups',
    of: 'peers-groups',
    table: 0,
    column: -1,
    title: 'Invalidating a group, the largest measured',
    scale: 'milliseconds; fewer is better',
    better: 'less',
  },
  {
    file: 'bytes',
    of: 'peers-bytes',
    table: 0,
    column: 0,
    title: 'An entry in memory',
    scale: 'bytes, with key and value; fewer is better',
    better: 'less',
  },
]

/** The charts of those cases that were run, by file name. */
export function peerCharts(reports: readonly CaseReport[]): Record<string, string> {
  const charts: Record<string, string> = {}
  for (const { file, of, table, column, shareOf, ...chart } of DRAWN) {
    const rows = reports.find(({ name }) => name === of)?.tables[table]?.rows
    const bars = (rows ?? []).flatMap(({ label, cells }) => {
      const bar = barOf(
        shareOf === undefined ? cells.at(column) : shareOfCells(cells.at(column), cells[shareOf]),
      )
      return bar === undefined ? [] : [{ label, own: label === 'coherent-cache', ...bar }]
    })
    if (bars.length > 0) charts[file] = rankChart({ ...chart, bars })
  }
  return charts
}

function shareOfCells(part: Cell, whole: Cell): Cell {
  return typeof part === 'number' && typeof whole === 'number' ? (100 * part) / whole : undefined
}

function barOf(cell: Cell) {
  if (cell === undefined) return undefined
  if (typeof cell === 'number') return { value: cell }
  return { value: cell.median, extremes: [cell.min, cell.max] as const }
}
