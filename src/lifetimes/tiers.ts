import { type Duration, milliseconds } from '../core/duration.ts'
import { CacheError, show } from '../core/errors.ts'
import type { LifetimePolicy } from '../core/lifetime.ts'

/** Lifetimes by name. Each is a policy that a key family's `ttl` takes. */
export type TtlTiers<Name extends string = string> = { readonly [N in Name]: LifetimePolicy }

/**
 * Names the lifetimes of an application in one place, to be used by name in `defineKeys` and elsewhere. 0 is a
 * lifetime too: such values are neither read nor stored.
 *
 * @throws CacheError `INVALID_DURATION` naming the tier; `INVALID_OPTION` for no tiers at all.
 *
 * @example
 * ```ts
 * import { defineKeys, ttlTiers } from 'coherent-cache'
 *
 * const tier = ttlTiers({ realtime: 0, hot: '5s', dashboard: '5m', report: '15m', static: '24h' })
 * defineKeys({
 *   dashboard: { key: 'dashboard:{landlordId}', ttl: tier.dashboard },
 *   notifications: { key: 'notifications:{landlordId}', ttl: tier.realtime },
 * })
 * ```
 */
export function ttlTiers<const Name extends string>(tiers: Readonly<Record<Name, Duration>>): TtlTiers<Name> {
  if (typeof tiers !== 'object' || tiers === null || Object.keys(tiers).length === 0) {
    throw new CacheError(
      'INVALID_OPTION',
      `ttlTiers: ${show(tiers)} is not an object of named durations, such as { hot: '5s' }.`,
    )
  }
  const policies = Object.entries<Duration>(tiers).map(([name, ttl]): [string, LifetimePolicy] => {
    const length = milliseconds(ttl, `ttlTiers: ${name}`)
    return [name, Object.freeze({ description: `${name} (${ttl})`, parameters: [], lifetime: () => length })]
  })
  return Object.freeze(Object.fromEntries(policies)) as TtlTiers<Name>
}
