/** How a cache is doing. */
export interface Health {
  /** `'ok'`, `'degraded'` (the store is away: answers come from loaders) or `'closed'`. */
  readonly status: 'ok' | 'degraded' | 'closed'
  readonly store: {
    readonly kind: string
    readonly status: 'none' | 'connected' | 'away'
    readonly since: number
  }
  /** Whether invalidations by others are heard. */
  readonly subscription: 'none' | 'subscribed' | 'unsubscribed'
  /** Whether memory may answer. */
  readonly memoryLease: 'held' | 'lost' | 'off'
  /** Changes that the store has not been told of yet. */
  readonly queue: { readonly length: number }
  /** What this configuration does not cover, and what to change. */
  readonly warnings: readonly string[]
}
