import { type Cache, createCache, defineDependencies, defineKeys } from 'coherent-cache'
import type { BenchCase } from '../case.ts'
import { race, type Subject } from '../harness.ts'

const HELD = 1_024
const keys = defineKeys({ report: 'report:{orgId}:{day}' })
const dependencies = defineDependencies({ tables: { revenues: ['report:{orgId}:{day}'] } })
const names = Array.from({ length: HELD }, (_, day) => keys.report({ orgId: 7, day }))
const load = async () => ({ revenue: 100 })

async function open(name: string, memory: object): Promise<Cache> {
  const cache = createCache({ name, keys, dependencies, partitionBy: 'orgId', memory, ttl: '1d' })
  for (const key of names) await cache.get(key, load)
  return cache as Cache
}

function reading(name: string, { get }: { get: (key: string) => Promise<unknown> }): Subject {
  return {
    name,
    run: async (times) => {
      for (let at = 0; at < times; at++) await get(names[at & (HELD - 1)] as string)
    },
  }
}

/** What a hit in memory costs through a tenant's view, inside `runInScope`, and under quotas. */
export const tenancy: BenchCase = {
  name: 'tenancy',
  title: 'Tenants: a hit in memory, against one without any of it',
  async run({ quick }) {
    const effort = quick ? { rounds: 15, roundMs: 15 } : { rounds: 31, roundMs: 25 }
    const plain = await open('plain', { maxEntries: 10_000 })
    const quotas = await open('quotas', { maxEntries: 10_000, perTenant: 5_000 })
    const view = plain.scope({ orgId: 7 })
    const before = await race(
      [
        reading('plain', { get: (key) => plain.get(key, load) }),
        reading('through scope()', { get: (key) => view.get(key, load) }),
        reading('under quotas', { get: (key) => quotas.get(key, load) }),
      ],
      effort,
    )
    // From here on the process tracks async contexts, whoever reads.
    const ambient = await open('ambient', { maxEntries: 10_000 })
    const [outside, inside] = await race(
      [
        reading('outside, once runInScope has been used', { get: (key) => ambient.get(key, load) }),
        {
          name: 'inside runInScope',
          run: (times) =>
            ambient.runInScope({ orgId: 7 }, async () => {
              for (let at = 0; at < times; at++) await ambient.get(names[at & (HELD - 1)] as string, load)
            }),
        },
      ],
      effort,
    )
    for (const cache of [plain, quotas, ambient]) await cache.close()
    const [base] = before
    return {
      tables: [
        {
          caption: 'Awaited',
          columns: ['ns', '× plain'],
          rows: [
            ...before.map((timing) => ({ label: timing.name, cells: [timing.ns, timing.costOf(base)] })),
            ...[outside, inside].map((timing) => ({
              label: timing.name,
              cells: [timing.ns, timing.ns.median / base.ns.median],
            })),
          ],
        },
      ],
      measures: {},
    }
  },
}
