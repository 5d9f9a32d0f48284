import type { KeyPlan } from '../core/dependency-map.ts'
import type { BreakerRule } from '../core/policy.ts'

/** How a key, or a family, has been failing since it last succeeded. */
interface Failing {
  failures: number
  /** How often its loads have been given a rest. */
  rests: number
  /** Monotonic end of the rest. */
  until: number
  /** Until when one load is being tried after a rest, alone. */
  tryingUntil: number
  error: unknown
}

/** Told when loads begin to rest. */
export type OnRest = (rest: {
  readonly key: string
  /** Set where the whole family rests. */
  readonly family: string | undefined
  readonly pauseMs: number
  readonly error: unknown
}) => void

const MOST_KEPT = 10_000

/**
 * Remembers which loads fail, so that their source is not hammered by readers that have something else to answer. A key
 * rests from its first failure, a family after several in a row, whichever its keys; each rest is twice as long as the
 * one before. After it one load of the family is tried. Any success ends it all.
 */
export class Breaker {
  readonly #failing = new Map<string, Failing>()

  /** Whether a load of the key should be spared. Where not, the caller is going to load. */
  rests({ key, family }: KeyPlan, rule: BreakerRule, now: number): boolean {
    if (this.#failing.size === 0) return false
    if (isResting(this.#failing.get(ofKey(key)), now)) return true
    const whole = family && this.#failing.get(ofFamily(family.name))
    if (whole === undefined || whole.rests === 0) return false
    if (isResting(whole, now) || now < whole.tryingUntil) return true
    whole.tryingUntil = now + rule.pauseMs
    return false
  }

  /** What the last load failed with. */
  error({ key, family }: KeyPlan): unknown {
    const failing = this.#failing.get(ofKey(key)) ?? (family && this.#failing.get(ofFamily(family.name)))
    return failing?.error
  }

  succeeded({ key, family }: KeyPlan): void {
    if (this.#failing.size === 0) return
    this.#failing.delete(ofKey(key))
    if (family !== undefined) this.#failing.delete(ofFamily(family.name))
  }

  /** One load failed, of one key or of several. */
  failed(
    plans: readonly KeyPlan[],
    ruleOf: (plan: KeyPlan) => BreakerRule | false,
    error: unknown,
    now: number,
    onRest: OnRest,
  ): void {
    const families = new Map<string, { rule: BreakerRule; key: string }>()
    for (const plan of plans) {
      const { key, family } = plan
      const rule = ruleOf(plan)
      if (rule === false) continue
      if (family !== undefined) families.set(family.name, { rule, key })
      const pauseMs = this.#fail(ofKey(key), { ...rule, failures: 1 }, error, now)
      if (pauseMs > 0) onRest({ key, family: undefined, pauseMs, error })
    }
    for (const [family, { rule, key }] of families) {
      const pauseMs = this.#fail(ofFamily(family), rule, error, now)
      if (pauseMs > 0) onRest({ key, family, pauseMs, error })
    }
  }

  /** @returns how long a rest has begun with it; 0 for none */
  #fail(name: string, { failures, pauseMs, longestMs }: BreakerRule, error: unknown, now: number): number {
    const fresh: Failing = { failures: 0, rests: 0, until: 0, tryingUntil: 0, error }
    const failing = this.#failing.get(name) ?? fresh
    failing.error = error
    if (failing === fresh) this.#keep(name, fresh)
    // Those that were under way when the rest began say nothing new.
    if (isResting(failing, now) || ++failing.failures < failures) return 0
    const pause = Math.min(longestMs, pauseMs * 2 ** Math.min(failing.rests++, 30))
    failing.until = now + pause
    failing.tryingUntil = 0
    return pause
  }

  #keep(name: string, failing: Failing): void {
    const [oldest] = this.#failing.size < MOST_KEPT ? [] : this.#failing.keys()
    if (oldest !== undefined) this.#failing.delete(oldest)
    this.#failing.set(name, failing)
  }
}

function isResting(failing: Failing | undefined, now: number): boolean {
  return failing !== undefined && now < failing.until
}

// Told apart by a first character, since a key may be called as a family is.
function ofKey(key: string): string {
  return `k${key}`
}

function ofFamily(name: string): string {
  return `f${name}`
}
