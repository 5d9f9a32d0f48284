import type { ExplainedPolicy } from '../core/explanation.ts'
import { type LifetimePolicy, lifetimePolicy } from '../core/lifetime.ts'
import type { BreakerRule, Policy } from '../core/policy.ts'

/** What holds for the keys of one family, every default in place. */
export interface Rules {
  readonly ttl: LifetimePolicy
  readonly negativeTtl: LifetimePolicy | undefined
  /** Infinity where memory may answer as long as the value lives. */
  readonly memoryTtlMs: number
  /** Infinity where lifetimes do not slide. */
  readonly idleTtlMs: number
  readonly jitter: number
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
  readonly softMs: number | undefined
  readonly hardMs: number | undefined
  readonly breaker: BreakerRule | false
  /** 0: values are not refreshed ahead of their end. */
  readonly aheadBeta: number
}

const JITTER = 0.1

/** The first of the policies that says something, option by option. */
export function rulesOf(policies: readonly (Policy | undefined)[]): Rules {
  const first = <Name extends keyof Policy>(name: Name): Policy[Name] | undefined =>
    policies.find((policy) => policy?.[name] !== undefined)?.[name]
  return {
    ttl: first('ttl') ?? lifetimePolicy('5m', 'ttl'),
    negativeTtl: first('negativeTtl'),
    memoryTtlMs: first('memoryTtlMs') ?? Number.POSITIVE_INFINITY,
    idleTtlMs: first('idleTtlMs') ?? Number.POSITIVE_INFINITY,
    jitter: first('jitter') ?? JITTER,
    staleWhileRevalidateMs: first('staleWhileRevalidateMs') ?? 0,
    staleIfErrorMs: first('staleIfErrorMs') ?? 0,
    softMs: first('softMs'),
    hardMs: first('hardMs'),
    breaker: first('breaker') ?? { failures: 5, pauseMs: 1_000, longestMs: 30_000 },
    aheadBeta: first('aheadBeta') ?? 0,
  }
}

/** Rules as `explain` tells them. */
export function describeRules(rules: Rules): ExplainedPolicy {
  const { ttl, negativeTtl = ttl, jitter, staleWhileRevalidateMs, staleIfErrorMs, softMs, hardMs } = rules
  return {
    ttl: ttl.description,
    negativeTtl: negativeTtl.description,
    memoryTtl: finite(rules.memoryTtlMs),
    idleTtl: finite(rules.idleTtlMs),
    jitter,
    staleWhileRevalidate: staleWhileRevalidateMs,
    staleIfError: staleIfErrorMs,
    timeout: { soft: softMs, hard: hardMs },
    refreshAhead: rules.aheadBeta > 0,
  }
}

function finite(length: number): number | undefined {
  return Number.isFinite(length) ? length : undefined
}
