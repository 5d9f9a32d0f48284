import { type Duration, milliseconds } from './duration.ts'
import { CacheError, show } from './errors.ts'

/** What a lifetime may be decided by. */
export interface LifetimeContext {
  readonly key: string
  /** The key's parameters as text; empty for a key of no family. */
  readonly params: Readonly<Record<string, string>>
  /** The value that was loaded. */
  readonly value: unknown
  /** Wall-clock time of the decision, in milliseconds since 1970. */
  readonly now: number
}

/** A rule that gives a lifetime. Made by `byAge` and `ttlTiers`, or by hand. */
export interface LifetimePolicy {
  /** How the rule describes itself in `explain`. */
  readonly description: string
  /** Parameters that the rule reads; a key family without one of them is refused where it is defined. */
  readonly parameters: readonly string[]
  /** Whether it looks at the value. Without, a lifetime of 0 is known before anything is loaded. @default false */
  readonly byValue?: boolean
  /** The lifetime in milliseconds, from now. 0: neither read nor stored. */
  lifetime(context: LifetimeContext): number
}

/** One lifetime for all. */
export class FixedLifetime implements LifetimePolicy {
  readonly description: string
  readonly parameters: readonly string[] = []
  readonly lifetime: () => number
  readonly ms: number

  constructor(description: string, ms: number) {
    this.description = description
    this.ms = ms
    this.lifetime = () => ms
  }
}

/** How long a value may be answered: a duration, a policy, or a function of the key and the value. */
export type Ttl = Duration | LifetimePolicy | ((context: LifetimeContext) => Duration)

/**
 * One shape for every way to write a lifetime.
 *
 * @throws CacheError `INVALID_DURATION` or `INVALID_OPTION`, naming `what`.
 */
export function lifetimePolicy(ttl: Ttl, what: string): LifetimePolicy {
  if (typeof ttl === 'function') {
    return {
      description: 'by function',
      parameters: [],
      byValue: true,
      lifetime: (context) => milliseconds(ttl(context), what),
    }
  }
  if (typeof ttl === 'object' && ttl !== null && typeof ttl.lifetime === 'function') return ttl
  if (typeof ttl !== 'number' && typeof ttl !== 'string') {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: ${show(ttl)} is not a lifetime. Write a duration such as '5m', a policy such as byAge(…), or a function.`,
    )
  }
  return new FixedLifetime(String(ttl), milliseconds(ttl, what))
}
