import type { Cause } from './events.ts'

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
