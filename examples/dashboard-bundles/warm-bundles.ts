import { createWarming, familyLoader, keepWarm, warmItem } from 'coherent-cache/warming'
import { Cron } from 'croner'
import type { Bundles, Whose } from './bundle.ts'
import { type DashboardCache, keyOf, keys } from './cache.ts'

/** What is warmed: every active tenant's bundles, with test data and without; at last those of all tenants. */
async function* everyBundle(tenants: () => Promise<readonly number[]>): AsyncIterable<Whose> {
  for (const tenantId of await tenants()) for (const testData of [false, true]) yield { tenantId, testData }
  for (const testData of [false, true]) yield { testData }
}

/** Each midnight, in UTC, by one process of the fleet. A tenant whose bundle fails does not stop the others. */
export function warmBundles(
  cache: DashboardCache,
  bundles: Bundles,
  tenants: () => Promise<readonly number[]>,
) {
  return createWarming(cache, {
    Cron,
    schedules: {
      bundles: {
        cron: '0 0 * * *',
        concurrency: 4,
        async *plan() {
          for await (const whose of everyBundle(tenants))
            yield warmItem(keyOf(whose), () => bundles.compute(whose))
        },
      },
    },
  })
}

/** A schedule of one tenant's own. */
export const planOf = (bundles: Bundles, tenantId: number) => () =>
  [false, true].map((testData) =>
    warmItem(keys.bundle({ tenantId, testData }), () => bundles.compute({ tenantId, testData })),
  )

/** Tenants' bundles that are read are loaded anew ahead of their end, until nobody has read them for two hours. */
export function keepBundlesWarm(cache: DashboardCache, bundles: Bundles) {
  const loader = familyLoader(keys.bundle, ({ tenantId, testData }) =>
    bundles.compute({ tenantId: Number(tenantId), testData: testData === 'true' }),
  )
  return keepWarm(cache, { loaders: [loader], idle: '2h' })
}
