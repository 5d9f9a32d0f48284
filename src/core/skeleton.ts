import { type Bound, bindRows, type RowBinder } from './binding.ts'
import type { ConfinedTable } from './change.ts'
import { confinedTo } from './confined.ts'
import { TOKEN_LENGTH } from './entry.ts'
import { Pattern } from './pattern.ts'
import { sha256 } from './sha256.ts'
import { patternStamp, type StampName } from './stamp.ts'

/**
 * What a writer with another map needs to know of this one: table by table, views expanded, the patterns whose
 * captures its rows bind by columns of the same name, those that count as unbound, and the stable columns.
 */
export interface Skeleton {
  readonly format: 1
  readonly tables: Readonly<
    Record<
      string,
      {
        readonly bound: readonly string[]
        readonly whole: readonly string[]
        readonly stable: readonly string[]
      }
    >
  >
  /** Every pattern of the map. */
  readonly patterns: readonly string[]
  readonly scopes: readonly string[]
}

const MOST_TEXT = 4_000_000

/** Names a skeleton; equal maps have equal digests. */
export function skeletonDigest(text: string): string {
  return sha256(text).slice(0, TOKEN_LENGTH)
}

/** A map of another process, as far as its skeleton tells. */
export class ForeignMap {
  readonly #tables = new Map<
    string,
    { readonly bound: readonly Pattern[]; readonly whole: readonly Pattern[]; readonly binder: RowBinder }
  >()

  /** Reads a skeleton that came from a store. Never throws: undefined for anything that is none. */
  static read(text: string): ForeignMap | undefined {
    try {
      if (text.length > MOST_TEXT) return undefined
      const skeleton: unknown = JSON.parse(text)
      return isSkeleton(skeleton) ? new ForeignMap(skeleton) : undefined
    } catch {
      return undefined
    }
  }

  readonly #patterns: ReadonlySet<string>
  readonly #scopes: ReadonlySet<string>

  private constructor(skeleton: Skeleton) {
    this.#patterns = new Set(skeleton.patterns)
    this.#scopes = new Set(skeleton.scopes)
    for (const [table, entry] of Object.entries(skeleton.tables)) {
      const compiled = (texts: readonly string[]) =>
        texts.map((text) => new Pattern(text, 'a registered map'))
      const bound = compiled(entry.bound)
      const captures = [...new Set(bound.flatMap((pattern) => pattern.captures))]
      const binder: RowBinder = { captures, bind: undefined, stable: new Set(entry.stable) }
      this.#tables.set(table, { bound, whole: compiled(entry.whole), binder })
    }
  }

  /** Whether the map's readers have this stamp of a pattern or a scope at all. */
  has(name: StampName): boolean {
    if (!name.startsWith('|')) return this.#patterns.has(name.split('|', 1)[0] ?? name)
    const scope = /^\|([^|=]+)=/.exec(name)?.[1]
    return scope === undefined || this.#scopes.has(scope)
  }

  /** The stamps that these writes rotate for the map's readers. */
  async stamps(writes: readonly ConfinedTable[]): Promise<ReadonlySet<StampName>> {
    const stamps = new Set<StampName>()
    for (const write of writes) {
      const entry = this.#tables.get(write.table)
      if (entry === undefined) continue
      for (const pattern of entry.whole) stamps.add(pattern.text)
      const rows = entry.bound.length === 0 ? [] : await bindRows(entry.binder, write, undefined)
      const scopes = foreignScopes(write, rows)
      for (const pattern of entry.bound) {
        if (scopes === undefined) stamps.add(pattern.text)
        else for (const bound of scopes) stamps.add(patternStamp(pattern.text, leadingRun(pattern, bound)))
      }
    }
    return stamps
  }
}

/** What rows bind for a map of others. Where that contradicts the tenant they are said to be of, nothing is certain. */
function foreignScopes(
  { within, table }: ConfinedTable,
  rows: readonly Bound[] | undefined,
): readonly Bound[] | undefined {
  try {
    return confinedTo(within, rows, table)
  } catch {
    return undefined
  }
}

/** Whether every part of it is there: by a map that is half read, a change would void less than its readers need. */
function isSkeleton(read: unknown): read is Skeleton {
  if (!isRecord(read) || read.format !== 1 || !isRecord(read.tables)) return false
  if (!isTexts(read.patterns) || !isTexts(read.scopes)) return false
  return Object.values(read.tables).every(
    (table) => isRecord(table) && isTexts(table.bound) && isTexts(table.whole) && isTexts(table.stable),
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** The values of the pattern's captures, as far as they are bound from the first one on. */
export function leadingRun(pattern: Pattern, bound: Bound): readonly string[] {
  const run: string[] = []
  for (const capture of pattern.captures) {
    const value = bound.get(capture)
    if (value === undefined) break
    run.push(value)
  }
  return run
}
