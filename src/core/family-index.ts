import { CacheError, show } from './errors.ts'
import { type CompiledFamily, compiledFamily } from './key.ts'

const NO_PARAMETERS: Readonly<Record<string, string>> = Object.freeze({})

/** A key's family and parameters. A key of no family, a raw string, has neither. */
export interface FoundFamily {
  readonly family: CompiledFamily | undefined
  readonly params: Readonly<Record<string, string>>
}

/** The families of one cache, found by key. */
export class FamilyIndex {
  readonly #families: readonly CompiledFamily[]
  /** Families by the literal first segment of their keys; those that begin with a parameter under undefined. */
  readonly #byFirst = new Map<string | undefined, CompiledFamily[]>()

  /**
   * @throws CacheError `INVALID_OPTION` for anything that `defineKeys` did not make, `INVALID_KEY` for families of
   *   several definitions that could give the same key.
   */
  constructor(keys: Readonly<Record<string, unknown>> = {}) {
    const families = Object.entries(keys).map(([name, face]) => {
      const family = compiledFamily(face)
      if (family !== undefined) return family
      throw new CacheError(
        'INVALID_OPTION',
        `createCache: keys.${name}: ${show(face)} is no key family. Pass what defineKeys returned.`,
      )
    })
    this.#families = [...new Set(families)]
    for (const [at, one] of this.#families.entries()) {
      const other = this.#families.slice(0, at).find(({ template }) => template.meets(one.template))
      if (other === undefined) continue
      throw new CacheError(
        'INVALID_KEY',
        `createCache: keys: ${one.name} (${show(one.template.text)}) and ${other.name} (${show(other.template.text)}) can give the same key. Declare them in one defineKeys, or give one of them a literal segment of its own.`,
      )
    }
    for (const family of this.#families) {
      const [first] = family.template.segments
      const literal = first?.parameter === undefined ? first?.prefix : undefined
      this.#byFirst.set(literal, [...(this.#byFirst.get(literal) ?? []), family])
    }
  }

  all(): readonly CompiledFamily[] {
    return this.#families
  }

  find(key: string): FoundFamily {
    const colon = key.indexOf(':')
    const first = colon < 0 ? key : key.slice(0, colon)
    return (
      this.#parse(this.#byFirst.get(first), key) ??
      this.#parse(this.#byFirst.get(undefined), key) ?? { family: undefined, params: NO_PARAMETERS }
    )
  }

  /** Runs `check` on a key of every shape each family can give, so that a map is refused where it is given. */
  checkSamples(check: (key: string) => void): void {
    for (const { template } of this.#families) {
      for (let length = template.required; length <= template.segments.length; length++) {
        const pieces = template.segments.slice(0, length)
        const sample = pieces.map(
          ({ prefix, parameter, suffix }, at) => prefix + (parameter === undefined ? '' : `~${at}`) + suffix,
        )
        check(sample.join(':'))
      }
    }
  }

  #parse(families: readonly CompiledFamily[] | undefined, key: string): FoundFamily | undefined {
    for (const family of families ?? []) {
      const params = family.template.parse(key)
      if (params !== undefined) return { family, params }
    }
    return undefined
  }
}
