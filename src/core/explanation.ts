import type { Cause } from './events.ts'

/** How values of a key live. */
export interface ExplainedPolicy {
  readonly ttl: string
  readonly negativeTtl: string
  /** Undefined where memory may answer as long as a value lives. */
  readonly memoryTtl: number | undefined
  /** Undefined where lifetimes do not slide. */
  readonly idleTtl: number | undefined
  readonly jitter: number
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
  readonly timeout: { readonly soft: number | undefined; readonly hard: number | undefined }
  readonly refreshAhead: boolean
}

/** What a cache knows about one key. */
export interface Explanation {
  readonly key: string
  readonly family: string | undefined
  readonly params: Readonly<Record<string, string>>
  /** Where a value is now, as far as this process can answer it; undefined where a read would load. */
  readonly tier: 'memory' | 'store' | undefined
  /** Milliseconds since it was loaded. */
  readonly age: number | undefined
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined
  /** The rule that gives its lifetime, as written. */
  readonly ttl: string
  /** All that holds for how its values live, as declared or set by `cache.setPolicy`; lengths in milliseconds. */
  readonly policy: ExplainedPolicy
  /** The stamps a value of this key is filled under. */
  readonly vector: readonly string[]
  /** The patterns it matches, and the tables and views that reach it through them. */
  readonly dependsOn: readonly {
    readonly pattern: string
    readonly captures: Readonly<Record<string, string>>
    readonly tables: readonly string[]
    readonly views: readonly string[]
  }[]
  /** The last invalidation that made a value of this key void, as far as this process has heard. */
  readonly invalidatedBy:
    | { readonly at: number; readonly stamps: readonly string[]; readonly cause: Cause | undefined }
    | undefined
}
