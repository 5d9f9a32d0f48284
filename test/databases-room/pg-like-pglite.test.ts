/** Everything that `bindPglite` is tested with, on a real server through `bindPg`. */
import { describe, vi } from 'vitest'

vi.mock('../support/pglite.ts', async (original) => {
  const { PgAsPglite } = await import('../support/pg-as-pglite.ts')
  return {
    ...(await original<object>()),
    startPglite: () => PgAsPglite.start(),
    recording: (db: InstanceType<typeof PgAsPglite>) => db.recording(),
  }
})
vi.mock('coherent-cache/pglite', async () => {
  const { bindAsPglite } = await import('../support/pg-as-pglite.ts')
  return { bindPglite: bindAsPglite }
})

describe('bindPg', async () => {
  await import('./pglite.test.ts')
})
describe('bindPg, writes', async () => {
  await import('./pglite-writes.test.ts')
})
