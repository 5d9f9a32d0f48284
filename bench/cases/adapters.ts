import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCache, defineDependencies } from 'coherent-cache'
import { startPostgres } from '../../test/support/postgres.ts'
import type { BenchCase } from '../case.ts'
import { race, type Subject, type Timing } from '../harness.ts'
import type { AdaptersModule } from '../support/adapter-contender.ts'

const ROWS = 1_000

/**
 * What binding costs each client: BEGIN, an UPDATE of one row in the client's own idiom, COMMIT, one at a time over one
 * connection, by the client alone and through its adapter, whose cache is in memory. All take turns in one process. The
 * servers flush nothing to disk, so that a COMMIT takes no time beside which the seal would not be seen.
 */
export const adapters: BenchCase = {
  name: 'adapters',
  title: 'A one-row transaction by each adapter, bound and unbound',
  databases: true,
  async run({ quick }) {
    // Beside the clients, which the repository's own package does not have.
    const file = new URL('../../test/databases/bench/adapters.ts', import.meta.url).href
    const { openAdapters, startMariadb } = (await import(file)) as AdaptersModule
    const folder = await mkdtemp(join(tmpdir(), 'coherent-cache-bench-'))
    const [server, mariadb] = await Promise.all([startPostgres(), startMariadb()])
    const cache = createCache({
      name: 'bench',
      dependencies: defineDependencies({ tables: { items: ['item:{id}', 'org:{orgId}:*'] } }),
    })
    const contenders = await openAdapters({ postgres: server.url, mariadbPort: mariadb.port, folder }, cache)
    let next = 0
    const id = () => 1 + (next++ % ROWS)
    const subjects = contenders.flatMap(({ name, unbound, bound }): Subject[] => [
      {
        name,
        async run(times) {
          for (let at = 0; at < times; at++) await unbound(id())
        },
      },
      {
        name: `${name}, bound`,
        async run(times) {
          for (let at = 0; at < times; at++) await bound(id())
        },
      },
    ])
    const timings = await race(subjects, { rounds: quick ? 7 : 13, roundMs: 40, warmUpMs: 300 })
    await cache.close()
    await Promise.all(contenders.map((contender) => contender.close()))
    await Promise.all([server.stop(), mariadb.stop()])
    await rm(folder, { recursive: true, force: true })

    const rows = contenders.map(({ name }, at) => {
      const [unbound, bound] = timings.slice(2 * at, 2 * at + 2) as [Timing, Timing]
      return { label: name, cells: [unbound.microseconds, bound.microseconds, bound.costOf(unbound)] }
    })
    return {
      tables: [
        {
          caption: 'One-row UPDATE',
          columns: ['µs alone', 'µs bound', 'times'],
          rows,
          note: 'Medians of rounds that take turns. mysql2 runs on MariaDB, sqlite on a file, pglite in this process, all others on one PostgreSQL.',
        },
      ],
      measures: Object.fromEntries(rows.map(({ label, cells }) => [label, cells[2]?.median ?? Number.NaN])),
    }
  },
}
