import type { KeyPlan } from '../core/dependency-map.ts'
import type { CompiledFamily } from '../core/key.ts'
import {
  FixedLifetime,
  type LifetimeContext,
  type LifetimePolicy,
  lifetimePolicy,
  type Ttl,
} from '../core/lifetime.ts'
import type { Policy } from '../core/policy.ts'
import type { Randomness } from '../core/random.ts'
import { type Rules, rulesOf } from './rules.ts'

/** What lifetimes are decided with. */
export interface LifetimesRoom {
  /** The cache's own policy. */
  readonly declared: Policy
  readonly randomness: Pick<Randomness, 'fraction'>
}

/** Decides how long a value lives: the read's own word, then the family's, then the cache's. */
export class Lifetimes {
  readonly #room: LifetimesRoom
  /** Policies set while the cache runs, by family; undefined stands for the whole cache. */
  readonly #set = new Map<string | undefined, Policy>()
  /** What they come to, by family, until one is set. */
  readonly #rules = new Map<CompiledFamily | undefined, Rules>()

  constructor(room: LifetimesRoom) {
    this.#room = room
  }

  /** What holds for a family's keys; undefined stands for keys of no family. */
  rules(family: CompiledFamily | undefined): Rules {
    const known = this.#rules.get(family)
    if (known !== undefined) return known
    const own = family === undefined ? [] : [this.#set.get(family.name), family.policy]
    const rules = rulesOf([...own, this.#set.get(undefined), this.#room.declared])
    this.#rules.set(family, rules)
    return rules
  }

  /** Sets a family's policy over what it declares, in place of what was set before; undefined: the cache's. */
  set(policy: Policy, family: string | undefined): void {
    this.#set.set(family, policy)
    this.#rules.clear()
  }

  /** The rule for a key's values. */
  policy(plan: KeyPlan, ttl?: Ttl): LifetimePolicy {
    return ttl === undefined ? this.rules(plan.family).ttl : lifetimePolicy(ttl, 'ttl')
  }

  /** The lifetime of a loaded value in milliseconds, cut by jitter. */
  of(plan: KeyPlan, value: unknown, now: number, ttl?: Ttl): number {
    const { negativeTtl, jitter } = this.rules(plan.family)
    const negative = ttl === undefined && (value === null || value === undefined) ? negativeTtl : undefined
    const policy = negative ?? this.policy(plan, ttl)
    const length = lengthOf(
      policy,
      { key: plan.key, params: plan.params, value, now },
      negative !== undefined,
    )
    if (!(Number.isFinite(length) && length > 0)) return 0
    // Not to 0, which would mean that it is not kept.
    return jitter === 0 ? length : Math.max(1, length * (1 - jitter * this.#room.randomness.fraction()))
  }

  /** Whether nothing of this key is ever kept, whatever its value: such a read need not ask. */
  never(plan: KeyPlan, now: number, ttl?: Ttl): boolean {
    const policy = this.policy(plan, ttl)
    if (policy.byValue) return false
    // The key is taken apart only for a rule that may look at its parameters.
    if (policy instanceof FixedLifetime) return !(policy.ms > 0)
    try {
      return !(policy.lifetime({ key: plan.key, params: plan.params, value: undefined, now }) > 0)
    } catch {
      // It is told, and nothing kept, where the value that was loaded is to be kept: the read goes on.
      return false
    }
  }
}

/** What a policy says. What it throws says where it comes from: it is told beside what codecs throw. */
function lengthOf(policy: LifetimePolicy, context: LifetimeContext, negative: boolean): number {
  try {
    return policy.lifetime(context)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`The ${negative ? 'negativeTtl' : 'ttl'} policy threw: ${why}`, { cause: error })
  }
}
