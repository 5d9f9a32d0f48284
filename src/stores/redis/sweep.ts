import type { Pattern } from '../../core/pattern.ts'
import type { RedisConnection } from './client.ts'
import type { Layout } from './layout.ts'
import type { Servers } from './servers.ts'

/** How many names one SCAN looks at: well below a millisecond of the server's time. */
const SCAN_COUNT = 500

/** Runs a step and bounds it in time: there is no bound to all of them together. */
export type Bounded = <T>(step: () => Promise<T>) => Promise<T>

/**
 * Unlinks every claim and then every value whose key matches, in two complete passes: a load that was running when the
 * first began has lost its claim by the second, and cannot put back what the second takes away. Complete, that is, as
 * long as no partition moves from one server to another.
 */
export async function sweepKeys(
  servers: Servers,
  layouts: readonly Layout[],
  patterns: readonly Pattern[],
  bounded: Bounded,
): Promise<void> {
  for (const kind of ['claims', 'values'] as const) {
    const owners = await bounded(() => servers.owners())
    await Promise.all(
      owners.map(async (server) => {
        for (const pattern of patterns) await pass(servers, server, layouts, kind, pattern, bounded)
      }),
    )
  }
}

/** One pass over one server, for all partitions that it may have. */
async function pass(
  servers: Servers,
  server: RedisConnection,
  layouts: readonly Layout[],
  kind: 'claims' | 'values',
  pattern: Pattern,
  bounded: Bounded,
): Promise<void> {
  const match = layouts[0]?.scans(globOf(pattern), layouts.length > 1)[kind] ?? ''
  let cursor = '0'
  do {
    const at = cursor
    const [next, names] = await bounded(() => server.scan(at, 'MATCH', match, 'COUNT', SCAN_COUNT))
    for (const layout of layouts) {
      const matching = names.filter((name) => {
        const key = layout.keyOf(name)
        return key !== undefined && pattern.test(key)
      })
      if (matching.length > 0) await bounded(() => servers.unlink(matching))
    }
    cursor = next
  } while (cursor !== '0')
}

/** A pattern of ours as SCAN matches it; captures are wider there, and checked by the pattern itself. */
function globOf(pattern: Pattern): string {
  return pattern.text.replace(/\{[^{}]*\}/g, '*')
}
