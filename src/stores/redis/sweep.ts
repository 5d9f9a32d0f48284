import type { Pattern } from '../../core/pattern.ts'
import type { RedisConnection } from './client.ts'
import type { Layout } from './layout.ts'

/** How many names one SCAN looks at: well below a millisecond of the server's time. */
const SCAN_COUNT = 500

/**
 * Unlinks every claim and then every value whose key matches, in two complete passes: a load that was running when the
 * first began has lost its claim by the second, and cannot put back what the second takes away.
 *
 * @param bounded runs each step, and bounds it in time: there is no bound to all of them together
 */
export async function sweepKeys(
  connection: RedisConnection,
  layouts: readonly Layout[],
  patterns: readonly Pattern[],
  bounded: <T>(step: () => Promise<T>) => Promise<T>,
): Promise<void> {
  for (const kind of ['claims', 'values'] as const) {
    for (const pattern of patterns) {
      for (const layout of layouts)
        await pass(connection, layout, layout.scans(globOf(pattern))[kind], pattern, bounded)
    }
  }
}

async function pass(
  connection: RedisConnection,
  layout: Layout,
  match: string,
  pattern: Pattern,
  bounded: <T>(step: () => Promise<T>) => Promise<T>,
): Promise<void> {
  let cursor = '0'
  do {
    const at = cursor
    const [next, names] = await bounded(() => connection.scan(at, 'MATCH', match, 'COUNT', SCAN_COUNT))
    const matching = names.filter((name) => pattern.test(layout.keyOf(name)))
    if (matching.length > 0) await bounded(() => connection.unlink(...matching))
    cursor = next
  } while (cursor !== '0')
}

/** A pattern of ours as SCAN matches it; captures are wider there, and checked by the pattern itself. */
function globOf(pattern: Pattern): string {
  return pattern.text.replace(/\{[^{}]*\}/g, '*')
}
