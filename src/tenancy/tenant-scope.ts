import type { ScopeOptions } from '../core/cache.ts'
import type { Change, ConfinedTable } from '../core/change.ts'
import type { KeyMatch } from '../core/dependency-map.ts'
import { encodeParameter, encodeText, type Parameter, parameterText } from '../core/encoding.ts'
import { CacheError, show } from '../core/errors.ts'
import { type AnyFamily, type CompiledFamily, compiledFamily } from '../core/key.ts'
import { checkOptions } from '../core/options.ts'

/** What a scope needs to know of its cache. */
export interface ScopeGround {
  /** The parameter that names the tenant. */
  readonly partitionBy: string | undefined
  readonly families: readonly CompiledFamily[]
  /** The map's scopes by which everything of a tenant can be made void at once, if it declares it. */
  readonly wholesale: () => boolean
  readonly planOf: (key: string) => KeyMatch
}

/** One tenant's part of the keys: what lies inside, and what a change may reach. */
export class TenantScope {
  readonly parameter: string
  /** The tenant, as its keys' parameters have it. */
  readonly tenant: string
  readonly #ground: ScopeGround
  readonly #shared: ReadonlySet<string>

  /**
   * @throws CacheError `INVALID_OPTION` where the cache has no tenants, or a shared family has; `INVALID_PARAMETER` for
   *   anything but one value of the tenant's parameter.
   */
  constructor(ground: ScopeGround, scope: Readonly<Record<string, unknown>>, options: ScopeOptions = {}) {
    const { partitionBy, families } = ground
    checkOptions(options, ['shared'], 'scope')
    if (partitionBy === undefined) {
      throw new CacheError(
        'INVALID_OPTION',
        "scope: this cache knows no tenants. Say which parameter names them: createCache({ partitionBy: 'orgId', … }).",
      )
    }
    const names = typeof scope === 'object' && scope !== null ? Object.keys(scope) : []
    if (names.length !== 1 || names[0] !== partitionBy) {
      throw new CacheError(
        'INVALID_PARAMETER',
        `scope: ${show(scope)} does not name a tenant; pass { ${partitionBy}: … } and nothing else.`,
      )
    }
    encodeParameter(scope[partitionBy], `scope: ${partitionBy}`)
    this.parameter = partitionBy
    this.tenant = parameterText(scope[partitionBy]) as string
    this.#ground = ground
    this.#shared = new Set((options.shared ?? []).map((family) => sharedName(family, partitionBy, families)))
  }

  /** As a scope of `invalidate`. */
  get scope(): Readonly<Record<string, string>> {
    return { [this.parameter]: this.tenant }
  }

  /** @throws CacheError `OUT_OF_SCOPE` for a key that may not be read here; `INVALID_KEY` for what is no key. */
  checkRead(key: string, what: string): void {
    const { family, params } = this.#ground.planOf(key)
    if (params[this.parameter] === this.tenant) return
    if (family !== undefined && this.#shared.has(family.name)) return
    this.#refuse(what, show(key), key)
  }

  /** @throws CacheError `OUT_OF_SCOPE` for a key that is not the tenant's; `INVALID_KEY` for what is no key. */
  checkOwn(key: string, what: string): void {
    if (this.#ground.planOf(key).params[this.parameter] !== this.tenant) this.#refuse(what, show(key), key)
  }

  /**
   * The change as far as it may reach: its tables' rows are the tenant's, and so is all that it names besides.
   *
   * @throws CacheError `OUT_OF_SCOPE` for a key, pattern or scope that is not certain to be the tenant's.
   */
  confine(change: Change, what: string): Change {
    if (change.everything) return this.everything()
    for (const key of change.keys) this.checkOwn(key, what)
    for (const pattern of change.patterns) {
      if (
        !this.#families().some(({ template }) => template.filled(pattern)?.[this.parameter] === this.tenant)
      )
        this.#refuse(what, `the pattern ${show(pattern)}`)
    }
    for (const [scope, value] of change.scopes) {
      if (scope !== this.parameter || parameterText(value) !== this.tenant)
        this.#refuse(what, `the scope ${show({ [scope]: value })}`)
    }
    const within = { capture: this.parameter, value: encodeText(this.tenant) }
    for (const table of change.tables as readonly ConfinedTable[]) {
      if (table.within !== undefined && table.within.value !== within.value)
        this.#refuse(what, `the table ${show(table.table)} as another tenant's`)
    }
    return { ...change, tables: change.tables.map((table): ConfinedTable => ({ ...table, within })) }
  }

  /** All that is the tenant's. */
  everything(): Change {
    const scopes: [string, Parameter][] = this.#ground.wholesale() ? [[this.parameter, this.tenant]] : []
    const patterns =
      scopes.length > 0 ? [] : this.#families().map(({ template, name }) => template.fill(this.scope, name))
    return { tables: [], keys: [], patterns, scopes, everything: false }
  }

  /** Whether another scope is inside this one. */
  holds({ parameter, tenant }: TenantScope): boolean {
    return parameter === this.parameter && tenant === this.tenant
  }

  #families(): readonly CompiledFamily[] {
    return this.#ground.families.filter(({ template }) => template.parameters.includes(this.parameter))
  }

  #refuse(what: string, about: string, key?: string): never {
    throw new CacheError(
      'OUT_OF_SCOPE',
      `${what}: ${about} is not certain to be of ${this.parameter} ${show(this.tenant)}. Build keys and patterns with a family that has {${this.parameter}}; read what belongs to everybody through the cache itself, or name its families as shared.`,
      { key },
    )
  }
}

function sharedName(family: AnyFamily, parameter: string, families: readonly CompiledFamily[]): string {
  const compiled = compiledFamily(family)
  if (
    compiled !== undefined &&
    families.includes(compiled) &&
    !compiled.template.parameters.includes(parameter)
  )
    return compiled.name
  throw new CacheError(
    'INVALID_OPTION',
    `scope: shared: ${compiled === undefined ? show(family) : show(compiled.name)} is no key family of this cache without {${parameter}}.`,
  )
}
