import { CacheError } from '../../core/errors.ts'
import type { RedisConnection } from './client.ts'

/** A server as far as the cache's promises hang on how it is set up. */
export interface Inspected {
  /** Whether it tells which incarnation of its data it serves. */
  readonly tellsIncarnation: boolean
  /** `unknown` where it does not tell. */
  readonly evictionPolicy: string
  /** Whether keys can be searched for. */
  readonly scans: boolean
}

/** Asks a server what it allows. Rejects only where it does not answer at all. */
export async function inspect(connection: RedisConnection, nothing: string): Promise<Inspected> {
  const [memory, replication, scans] = await Promise.all([
    allowed(connection.info('memory')),
    allowed(connection.info('replication')),
    allowed(connection.scan('0', 'MATCH', nothing, 'COUNT', 1)),
  ])
  return {
    tellsIncarnation: /master_replid:[0-9a-f]{40}/.test(replication ?? ''),
    evictionPolicy: /maxmemory_policy:([a-z-]+)/.exec(memory ?? '')?.[1] ?? 'unknown',
    scans: scans !== undefined,
  }
}

/** The reply, or undefined where the server refuses to give it. */
function allowed<T>(reply: Promise<T>): Promise<T | undefined> {
  return reply.catch((error: unknown) => {
    if (error instanceof Error && error.name === 'ReplyError') return undefined
    throw error
  })
}

/**
 * Soft locks need a server that cannot evict a locked stamp, which has no expiry, and that tells which incarnation of its
 * data it serves.
 *
 * @throws CacheError `UNSUPPORTED`, with what to change.
 */
export function checkForLocks({ tellsIncarnation, evictionPolicy }: Inspected): void {
  if (!tellsIncarnation) {
    throw new CacheError(
      'UNSUPPORTED',
      "redisStore: the server refuses INFO, so a failover could not be noticed. Allow it (ACL: +info), or use consistency 'bounded'.",
    )
  }
  if (cannotEvictLocks(evictionPolicy)) return
  throw new CacheError(
    'UNSUPPORTED',
    `redisStore: with maxmemory-policy ${evictionPolicy} the server may evict a soft lock. Set noeviction or a volatile-* policy, or use consistency 'bounded'.`,
  )
}

/** What is not covered as the server is set up, and what to change. */
export function warningsOf({ tellsIncarnation, evictionPolicy, scans }: Inspected, locks: boolean): string[] {
  const warnings: string[] = []
  if (!tellsIncarnation) {
    warnings.push(
      'Redis refuses INFO: a restart that kept its data, and a failover, cannot be noticed, and may bring old values back until their lifetime ends. Allow it (ACL: +info).',
    )
  }
  if (locks && !cannotEvictLocks(evictionPolicy)) {
    warnings.push(
      `Redis has maxmemory-policy ${evictionPolicy} now and may evict soft locks: reads may be older than the mode promises. Set noeviction or a volatile-* policy.`,
    )
  } else if (evictionPolicy.startsWith('allkeys-')) {
    warnings.push(
      `Redis has maxmemory-policy ${evictionPolicy} and may evict the state of the cache, which makes everything cold. Set noeviction or a volatile-* policy.`,
    )
  }
  if (!scans) {
    warnings.push(
      'Redis refuses SCAN: a pattern that the map does not have is made void with everything else. Allow it (ACL: +scan), or put the pattern into the map.',
    )
  }
  return warnings
}

function cannotEvictLocks(policy: string): boolean {
  return policy === 'noeviction' || policy.startsWith('volatile-')
}
