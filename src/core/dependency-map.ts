import { adhocTarget } from './adhoc-pattern.ts'
import { type Bound, bindRows, namedBy, type RowBinder } from './binding.ts'
import type { Change, ConfinedTable, Within } from './change.ts'
import { confinedTo } from './confined.ts'
import type { CompiledTable, Dependencies } from './dependencies.ts'
import { encodeParameter, encodeText } from './encoding.ts'
import { CacheError, isCacheError, show } from './errors.ts'
import type { FamilyIndex } from './family-index.ts'
import type { CompiledFamily } from './key.ts'
import { alike } from './options.ts'
import type { Pattern } from './pattern.ts'
import { leadingRun, type Skeleton, skeletonDigest } from './skeleton.ts'
import { keyStamp, patternStamp, ROOT, registrationStamp, type StampName, scopeStamp } from './stamp.ts'
import type { KeyPlace, MapRegistration } from './store.ts'

/** All that the map says of one key. Computed once per entry, never on a memory hit. */
export interface KeyMatch {
  readonly key: string
  readonly family: CompiledFamily | undefined
  readonly params: Readonly<Record<string, string>>
  /** The stamps a value of this key must be filled under, in a fixed order. */
  readonly stamps: readonly StampName[]
  /** The text whose hash decides in which partition the key lives: its tenant, or the key itself. */
  readonly shard: string
}

/** All that reading a key goes by. */
export interface KeyPlan extends KeyMatch {
  /** What every fingerprint under its stamps begins with. */
  readonly head: string
  /** Whether this process has lately seen a value of the key in the store: then a plain GET is worth its trip. */
  stored: boolean
}

/** What a map needs to know of the namespace it is used in. */
export interface MapLayout {
  /** The parameter that names the tenant. */
  readonly partitionBy?: string | undefined
  /** Whether each key has a stamp of its own, because units lock what they name. */
  readonly ownStamps?: boolean | undefined
}

/** A pattern that a table's writes reach. */
interface Reach {
  readonly pattern: Pattern
  /** Undefined where it is reached through a view: a base table's row says nothing certain about the view's. */
  readonly binder: RowBinder | undefined
}

/** What a pattern hangs on, for `explain`. */
export interface PatternSource {
  readonly pattern: string
  readonly captures: Readonly<Record<string, string>>
  readonly tables: readonly string[]
  readonly views: readonly string[]
}

/** What a change comes to, before it is applied. */
export interface Targets {
  readonly stamps: readonly StampName[]
  readonly keys: readonly KeyPlace[]
  /** The writes themselves, for maps of other processes. */
  readonly writes: readonly ConfinedTable[]
  /** Patterns to sweep for: no stamp of the map stands for them. */
  readonly patterns: readonly Pattern[]
  /** Stamps that stand for a named pattern, with what to search the keys for where some reader has no such stamp. */
  readonly covered: readonly { readonly stamp: StampName; readonly sweep: readonly Pattern[] }[]
  readonly tables: readonly string[]
  /** Tables that the map does not name. */
  readonly unknownTables: readonly string[]
  /** What a `bind` function threw; its table counted as changed in whole. */
  readonly bindErrors: readonly { readonly table: string; readonly error: unknown }[]
}

/**
 * The dependency map, compiled both ways: from a key to the stamps its value needs, and from a change to the stamps
 * it rotates. A change rotates, per pattern, the stamp of the longest leading run of captures that its rows bind.
 */
export class DependencyMap {
  readonly #declared: Dependencies
  readonly #families: FamilyIndex
  readonly #patterns: ReadonlyMap<string, Pattern>
  readonly #reach = new Map<string, readonly Reach[]>()
  readonly #partitionBy: string | undefined
  readonly #ownStamps: boolean

  constructor(declared: Dependencies, families: FamilyIndex, layout: MapLayout = {}) {
    this.#partitionBy = layout.partitionBy
    this.#ownStamps = layout.ownStamps ?? false
    this.#declared = declared
    this.#families = families
    this.#patterns = new Map(
      [...declared.tables.values()].flatMap(({ patterns }) =>
        patterns.map((pattern) => [pattern.text, pattern]),
      ),
    )
    for (const name of [...declared.tables.keys(), ...declared.views.keys()])
      this.#reach.set(name, this.#reachOf(name))
    families.checkSamples((key) => this.plan(key))
  }

  /** Whether the map names this table or view. */
  knows(table: string): boolean {
    return this.#reach.has(table)
  }

  /** The table or view that an unknown name may stand for: misspelt, or with its schema's name before it. */
  near(table: string): string | undefined {
    const name = table.slice(table.lastIndexOf('.') + 1)
    return [...this.#reach.keys()].find((known) => alike(known, name))
  }

  /** The map as other writers need to know it. */
  registration(): MapRegistration {
    const tables = [...this.#reach].map(([name, reach]): [string, Skeleton['tables'][string]] => {
      const automatic = ({ binder }: Reach) => binder !== undefined && binder.bind === undefined
      return [
        name,
        {
          bound: reach
            .filter(automatic)
            .map(({ pattern }) => pattern.text)
            .sort(),
          whole: reach
            .filter((one) => !automatic(one))
            .map(({ pattern }) => pattern.text)
            .sort(),
          stable: [...(this.#declared.tables.get(name)?.stable ?? [])].sort(),
        },
      ]
    })
    tables.sort(([one], [other]) => (one < other ? -1 : 1))
    const skeleton: Skeleton = {
      format: 1,
      tables: Object.fromEntries(tables),
      patterns: [...this.#patterns.keys()].sort(),
      scopes: [...this.#declared.scopes].sort(),
    }
    const text = JSON.stringify(skeleton)
    const digest = skeletonDigest(text)
    return { digest, stamp: registrationStamp(digest), skeleton: text }
  }

  /** The key families. */
  families(): readonly CompiledFamily[] {
    return this.#families.all()
  }

  /** What a value of this key hangs on. */
  plan(key: string): KeyMatch {
    const { family, params } = this.#families.find(key)
    const stamps = new Set<StampName>([ROOT])
    const scopes = new Map<string, Set<string>>(this.#declared.scopes.map((scope) => [scope, new Set()]))
    for (const [name, value] of Object.entries(params)) scopes.get(name)?.add(encodeText(value))
    for (const pattern of this.#patterns.values()) {
      for (const values of pattern.match(key)) {
        for (let depth = 0; depth <= values.length; depth++)
          stamps.add(patternStamp(pattern.text, values.slice(0, depth)))
        for (const [at, value] of values.entries()) scopes.get(pattern.captures[at] as string)?.add(value)
      }
    }
    if (this.#ownStamps) stamps.add(keyStamp(key))
    for (const [scope, values] of scopes) for (const value of values) stamps.add(scopeStamp(scope, value))
    return { key, family, params, stamps: [...stamps], shard: this.shardOf({ key, params }) }
  }

  /** Which patterns the key matches, and which tables and views reach them. */
  sources(key: string): readonly PatternSource[] {
    return [...this.#patterns.values()].flatMap((pattern) =>
      pattern.match(key).map((values) => {
        const reaching = [...this.#reach].filter(([, reach]) =>
          reach.some((one) => one.pattern.text === pattern.text),
        )
        const names = reaching.map(([name]) => name)
        return {
          pattern: pattern.text,
          captures: Object.fromEntries(pattern.captures.map((name, at) => [name, values[at] ?? ''])),
          tables: names.filter((name) => !this.#declared.views.has(name)),
          views: names.filter((name) => this.#declared.views.has(name)),
        }
      }),
    )
  }

  /**
   * The stamps that a change rotates.
   *
   * @throws CacheError `UNKNOWN_SCOPE`, `INVALID_PARAMETER` or `INVALID_PATTERN` for bad input; nothing is applied.
   */
  async targets(change: Change, tx?: unknown): Promise<Targets> {
    const { stamps, patterns, covered } = this.#named(change)
    const bindErrors: { table: string; error: unknown }[] = []
    for (const written of change.tables) {
      try {
        for (const name of await this.tableStamps(written, tx)) stamps.add(name)
      } catch (error) {
        if (isCacheError(error, 'OUT_OF_SCOPE')) throw error
        const { table, within } = written
        bindErrors.push({ table, error })
        for (const name of await this.tableStamps({ table, within })) stamps.add(name)
      }
    }
    const tables = [...new Set(change.tables.map(({ table }) => table))]
    return {
      stamps: withoutCovered(stamps),
      keys: [...new Set(change.keys)].map((key) => ({
        key,
        shard: this.shardOf({ key, params: this.#families.find(key).params }),
      })),
      writes: change.tables,
      patterns,
      covered,
      tables,
      unknownTables: tables.filter((table) => !this.knows(table)),
      bindErrors,
    }
  }

  /**
   * Refuses what {@link targets} would refuse, before anything is done.
   *
   * @throws CacheError `UNKNOWN_SCOPE`, `INVALID_PARAMETER` or `INVALID_PATTERN`
   */
  check(change: Change): void {
    this.#named(change)
  }

  /** What a change names by itself, without a table. */
  #named({ everything, scopes, patterns }: Change) {
    const stamps = new Set<StampName>(everything ? [ROOT] : [])
    for (const [scope, value] of scopes) stamps.add(this.#scope(scope, value))
    const known = [...this.#patterns.values()]
    const sweeps: Pattern[] = []
    const covered: { readonly stamp: StampName; readonly sweep: readonly Pattern[] }[] = []
    for (const text of patterns) {
      const { stamp, sweep } = adhocTarget(text, known, this.#families.all())
      if (stamp === undefined) sweeps.push(...sweep)
      else {
        stamps.add(stamp)
        covered.push({ stamp, sweep })
      }
    }
    return { stamps, patterns: sweeps, covered }
  }

  /** The stamps that one table's write rotates. Rejects with what a `bind` function throws. */
  async tableStamps(change: ConfinedTable, tx?: unknown): Promise<ReadonlySet<StampName>> {
    const stamps = new Set<StampName>()
    const bounds = new Map<RowBinder, readonly Bound[] | undefined>()
    for (const { pattern, binder } of this.#reach.get(change.table) ?? []) {
      if (binder !== undefined && !bounds.has(binder)) {
        // Whatever they are certain to bind: what names another tenant is not this one's.
        if (change.within !== undefined)
          confinedTo(change.within, await namedBy(binder, change, tx), change.table)
        bounds.set(binder, await bindRows(binder, change, tx))
      }
      const rows = binder === undefined ? undefined : bounds.get(binder)
      const scopes = confinedTo(change.within, rows, change.table)
      if (scopes === undefined) stamps.add(patternStamp(pattern.text, []))
      else for (const bound of scopes) stamps.add(this.#stampOf(pattern, bound, change.within))
    }
    return stamps
  }

  /** The stamp of what is bound; of a tenant's keys alone where the pattern names it too late and the map declares it a scope. */
  #stampOf(pattern: Pattern, bound: Bound, within: Within | undefined): StampName {
    const run = leadingRun(pattern, bound)
    if (within !== undefined && this.#declared.scopes.includes(within.capture)) {
      const at = pattern.captures.indexOf(within.capture)
      if (at >= run.length) return scopeStamp(within.capture, within.value)
    }
    return patternStamp(pattern.text, run)
  }

  /** Whether the map declares this scope: all that hangs on one of its values can be made void at once. */
  hasScope(name: string): boolean {
    return this.#declared.scopes.includes(name)
  }

  /** The text whose hash decides in which partition a key lives. Looks at parameters only where there are tenants. */
  shardOf(of: Pick<KeyMatch, 'key' | 'params'>): string {
    const tenant = this.#partitionBy === undefined ? undefined : of.params[this.#partitionBy]
    return tenant === undefined ? of.key : `|${tenant}`
  }

  #scope(scope: string, value: unknown): StampName {
    if (!this.#declared.scopes.includes(scope)) {
      const known = this.#declared.scopes
      throw new CacheError(
        'UNKNOWN_SCOPE',
        `invalidate: ${show(scope)} is no scope of the map${known.length > 0 ? `, which has ${known.join(', ')}` : ''}. Add it to the scopes of defineDependencies.`,
      )
    }
    return scopeStamp(scope, encodeParameter(value, `invalidate: scope ${scope}`))
  }

  #reachOf(name: string): readonly Reach[] {
    const own = this.#declared.tables.get(name)
    const reach = new Map<string, Reach>(
      own === undefined ? [] : ownReach(own).map((one) => [one.pattern.text, one]),
    )
    const bases = this.#basesOf(name)
    const others = new Set([...bases, ...[name, ...bases].flatMap((base) => [...this.#viewsOver(base)])])
    others.delete(name)
    for (const other of others) {
      // Reached both ways, a pattern goes without rows: over-invalidate, never under.
      for (const pattern of this.#declared.tables.get(other)?.patterns ?? []) {
        reach.set(pattern.text, { pattern, binder: undefined })
      }
    }
    return [...reach.values()]
  }

  /** Every view that reads this table or view, through other views too. */
  #viewsOver(name: string): ReadonlySet<string> {
    const found = new Set<string>()
    const visit = (base: string): void => {
      for (const [view, bases] of this.#declared.views) {
        if (!bases.includes(base) || found.has(view)) continue
        found.add(view)
        visit(view)
      }
    }
    visit(name)
    return found
  }

  /** Every table and view that this view reads, through other views too. */
  #basesOf(name: string): ReadonlySet<string> {
    const found = new Set<string>()
    const visit = (view: string): void => {
      for (const base of this.#declared.views.get(view) ?? []) {
        if (found.has(base)) continue
        found.add(base)
        visit(base)
      }
    }
    visit(name)
    return found
  }
}

function ownReach(table: CompiledTable): Reach[] {
  const captures = [...new Set(table.patterns.flatMap((pattern) => pattern.captures))]
  const binder: RowBinder = { captures, bind: table.bind, stable: table.stable }
  return table.patterns.map((pattern) => ({ pattern, binder }))
}

/** Drops stamps under a shallower one of the same pattern that is rotated too, and all but the root under the root. */
function withoutCovered(stamps: ReadonlySet<StampName>): readonly StampName[] {
  if (stamps.has(ROOT)) return [ROOT]
  return [...stamps].filter((name) => {
    const bar = name.indexOf('|')
    if (bar <= 0) return true
    if (stamps.has(name.slice(0, bar))) return false
    for (let colon = name.indexOf(':', bar); colon > 0; colon = name.indexOf(':', colon + 1)) {
      if (stamps.has(name.slice(0, colon))) return false
    }
    return true
  })
}
