/** How a cache is doing. */
export interface Health {
  /** `'ok'`, `'degraded'` (the store is away: answers come from loaders) or `'closed'`. */
  readonly status: 'ok' | 'degraded' | 'closed'
  readonly store: {
    readonly kind: string
    readonly status: 'none' | 'connected' | 'away'
    readonly since: number
    /** Why it is away, in a sentence: what went wrong last. Absent unless it is. */
    readonly reason?: string | undefined
    /** The code of the error behind it, such as `'SETTINGS_MISMATCH'` or `'STORE_UNAVAILABLE'`, where it has one. */
    readonly code?: string | undefined
  }
  /** Whether invalidations by others are heard. */
  readonly subscription: 'none' | 'subscribed' | 'unsubscribed'
  /** Whether memory may answer. */
  readonly memoryLease: 'held' | 'lost' | 'off'
  /** Changes that the store has not been told of yet. */
  readonly queue: { readonly length: number }
  /** What this configuration does not cover, and what to change. */
  readonly warnings: readonly string[]
  /** What is built upon this cache, such as its warming, by name. It has no say in `status`. */
  readonly parts: Readonly<Record<string, HealthPart>>
}

/** How something that is built upon a cache is doing. */
export interface HealthPart {
  /** `'ok'`; `'degraded'`: it does less than it should; `'stopped'`: it does nothing. */
  readonly status: 'ok' | 'degraded' | 'stopped'
  /** Why it is not `'ok'`, in a sentence. */
  readonly reason?: string | undefined
  /** What else it tells, by name. */
  readonly [detail: string]: unknown
}
