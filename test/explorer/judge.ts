import { type Mode, promiseBroken } from '../judging/promises.ts'
import { type Rows, show } from './database.ts'
import type { History, Read, Split, Write } from './history.ts'
import { partsOf, rowsOf } from './shop.ts'

/** A promise that was broken. */
export interface Violation {
  /** The line of the table of promises. */
  readonly promise: string
  readonly what: string
}

/** Judges a history by the table of promises: what each read must at least show. `maxStaleness` is T. */
export function judge(
  history: History,
  mode: Mode,
  maxStaleness: number,
  /** Whether the store keeps what it has been given: only then does it know what a reload replaces. */
  storeKeeps: boolean,
): Violation[] {
  const found: Violation[] = history.troubles.map(({ what }) => ({ promise: 'nothing fails', what }))
  for (const read of history.reads) {
    const { value } = read
    if (value === undefined) continue
    for (const row of rowsOf(read.key)) {
      const problem = judgeRow(read, row, value[row], history, mode, maxStaleness)
      if (problem !== undefined) found.push(problem)
    }
    const behind = judgeReplacements(read, value, history, mode, maxStaleness, storeKeeps)
    if (behind !== undefined) found.push(behind)
  }
  return found
}

function judgeRow(
  read: Read,
  row: string,
  version: number | undefined,
  { writes, promotions, split }: History,
  mode: Mode,
  maxStaleness: number,
): Violation | undefined {
  if (version === undefined) return violation('a value is whole', read, `row ${row} is missing`)
  if (read.own.includes(row)) {
    if (version === -(read.inside ?? 0)) return undefined
    return violation('a unit reads its own writes', read, `row ${row} is at ${version}`)
  }
  if (version < 0) return violation('nobody reads what is not committed', read, `row ${row} is uncommitted`)
  for (const write of writes) {
    if (write.row !== row || write.version === undefined || write.version <= version) continue
    if (split !== undefined && read.process !== write.process && isolated(read, write, split)) continue
    const lately = rolledBackLately(write.committed?.step ?? 0, read, promotions, maxStaleness)
    const judged = split === undefined || read.process === write.process ? write : asTold(write, split)
    const promise = promiseBroken(read, judged, {
      mode,
      maxStaleness: lately ? undefined : maxStaleness,
      covered: write.covers(read.key),
      composite: partsOf(read.key).length > 0,
    })
    if (promise !== undefined) return violation(promise, read, describe(write))
  }
  return undefined
}

/**
 * A reload that is kept, or a fill by hand, replaces what was there: for its process at once, for others as an
 * invalidation of the key does.
 */
function judgeReplacements(
  read: Read,
  value: Rows,
  { replacements, promotions, split }: History,
  mode: Mode,
  maxStaleness: number,
  storeKeeps: boolean,
): Violation | undefined {
  const { begin, process, key, freshness } = read
  // What was replaced in one of two stores may be valid in the other.
  if (split !== undefined || read.inside !== undefined || partsOf(key).length > 0) return undefined
  for (const replacement of replacements) {
    const { at } = replacement
    if (replacement.key !== key || at.step >= begin.step) continue
    const own = replacement.process === process
    const asks = freshness !== 'bounded' || mode === 'strict'
    if (!own && !(storeKeeps && (asks || begin.time - at.time >= maxStaleness))) continue
    if (!asks && rolledBackLately(at.step, read, promotions, maxStaleness)) continue
    const row = rowsOf(key).find((one) => (value[one] ?? 0) < (replacement.value[one] ?? 0))
    if (row === undefined) continue
    const promise = `what a reload or a fill has replaced is gone: ${own ? 'same process' : 'other processes'}`
    const what = `${replacement.process} had replaced it by ${show(replacement.value)} at step ${at.step}`
    return violation(promise, read, what)
  }
  return undefined
}

/** A failover may roll back what came after a step; it is not for longer than T that anybody believes it. */
function rolledBackLately(
  since: number,
  { begin }: Read,
  promotions: History['promotions'],
  maxStaleness: number,
): boolean {
  return promotions.some(({ step, time }) => step > since && begin.time - time < maxStaleness)
}

/** What others have told since the split is not heard by who is still with the old primary. */
function isolated({ process, begin }: Read, { acknowledged, replayed }: Write, split: Split): boolean {
  const told = Math.max(acknowledged?.step ?? Number.POSITIVE_INFINITY, replayed?.step ?? 0)
  return split.isolates(process, begin) && told > split.at.step
}

/** What an old primary has accepted is promised to others only once its process has told it again. */
function asTold(write: Write, split: Split): Write {
  const { process, telling, committed, acknowledged = committed } = write
  if (telling === undefined || acknowledged === undefined) return write
  if (!split.isolates(process, telling, acknowledged)) return write
  const told = split.told.get(process)
  const replayed = told !== undefined && told.step < acknowledged.step ? acknowledged : told
  return { ...write, guarded: false, status: 'queued', replayed }
}

function violation(promise: string, read: Read, what: string): Violation {
  const { process, by, key, freshness, begin, value } = read
  const got = value === undefined ? 'nothing' : show(value)
  return {
    promise,
    what: `${by} in ${process} began at step ${begin.step} to read ${key} (${freshness}) and got ${got}; ${what}`,
  }
}

function describe({ process, row, how, version, committed, acknowledged, status }: Write): string {
  const told = acknowledged === undefined ? 'not acknowledged' : `${status} at step ${acknowledged.step}`
  return `row ${row} is at ${version} since ${process} committed it at step ${committed?.step}, ${how}, ${told}`
}
