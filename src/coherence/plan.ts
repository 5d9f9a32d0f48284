import type { DependencyMap, KeyPlan } from '../core/dependency-map.ts'
import { fingerprintHead } from '../core/entry.ts'
import type { CompiledFamily } from '../core/key.ts'
import type { StampName } from '../core/stamp.ts'
import { Vector } from './vector.ts'

type Parameters = Readonly<Record<string, string>>

/** A key's plan: what nobody asks it for it does not work out. */
export class Plan implements KeyPlan {
  readonly key: string
  readonly family: CompiledFamily | undefined
  stored: boolean
  readonly #map: DependencyMap
  /** The names, or a vector of theirs. */
  #stamps: readonly StampName[] | Vector
  #params: Parameters | undefined
  #shard: string | undefined
  #head: string | undefined

  constructor(
    map: DependencyMap,
    key: string,
    family: CompiledFamily | undefined,
    stamps: readonly StampName[] | Vector,
    stored: boolean,
    params?: Parameters,
  ) {
    this.key = key
    this.family = family
    this.stored = stored
    this.#map = map
    this.#stamps = stamps
    this.#params = params
  }

  get stamps(): readonly StampName[] {
    if (this.#stamps instanceof Vector) this.#stamps = this.#stamps.names
    return this.#stamps
  }

  get params(): Parameters {
    this.#params ??= this.family?.template.parse(this.key) ?? NO_PARAMETERS
    return this.#params
  }

  get shard(): string {
    this.#shard ??= this.#map.shardOf(this)
    return this.#shard
  }

  get head(): string {
    this.#head ??= fingerprintHead(this.stamps)
    return this.#head
  }
}

const NO_PARAMETERS: Parameters = Object.freeze({})
