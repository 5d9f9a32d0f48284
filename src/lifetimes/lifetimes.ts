import type { KeyPlan } from '../core/dependency-map.ts'
import { type LifetimePolicy, lifetimePolicy, type Ttl } from '../core/lifetime.ts'

/** Lifetimes of values no family speaks for. */
export interface DefaultLifetimes {
  readonly ttl: LifetimePolicy
  readonly negativeTtl: LifetimePolicy | undefined
}

/** Decides how long a value lives: the read's own word, then the family's, then the cache's. */
export class Lifetimes {
  readonly #defaults: DefaultLifetimes

  constructor(defaults: DefaultLifetimes) {
    this.#defaults = defaults
  }

  /** The rule for a key's values. */
  policy(plan: KeyPlan, ttl?: Ttl): LifetimePolicy {
    if (ttl !== undefined) return lifetimePolicy(ttl, 'ttl')
    return plan.family?.ttl ?? this.#defaults.ttl
  }

  /** The lifetime of a loaded value in milliseconds. */
  of(plan: KeyPlan, value: unknown, now: number, ttl?: Ttl): number {
    const negative =
      value === null || value === undefined
        ? (plan.family?.negativeTtl ?? this.#defaults.negativeTtl)
        : undefined
    const policy = (ttl === undefined ? negative : undefined) ?? this.policy(plan, ttl)
    const length = policy.lifetime({ key: plan.key, params: plan.params, value, now })
    return Number.isFinite(length) && length > 0 ? length : 0
  }

  /** Whether nothing of this key is ever kept, whatever its value: such a read need not ask. */
  never(plan: KeyPlan, now: number, ttl?: Ttl): boolean {
    const policy = this.policy(plan, ttl)
    if (policy.byValue) return false
    return !(policy.lifetime({ key: plan.key, params: plan.params, value: undefined, now }) > 0)
  }
}
