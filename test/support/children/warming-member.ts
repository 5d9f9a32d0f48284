/**
 * A process of a fleet that warms on schedules, for `test/warming/processes.test.ts`. Tells its parent what it loads and
 * whether it leads, and does what it is told.
 */
import { createCache, defineKeys, type } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import { createWarming, warmItem } from 'coherent-cache/warming'
import { Cron } from 'croner'
import { connectTo } from '../redis-clients.ts'
import type { WarmingAsk, WarmingMemberConfig, WarmingTold } from '../warming-member.ts'

const config = JSON.parse(process.argv[2] ?? '{}') as WarmingMemberConfig
const keys = defineKeys({ bundle: { key: 'bundle:{orgId}', value: type<number>(), ttl: '1h' } })
const client = connectTo(config.port)
const cache = createCache({ name: config.name, keys, store: redisStore({ client }), storeTimeout: '2s' })
const tell = (told: WarmingTold) => process.send?.(told)

const warming = createWarming(cache, {
  Cron,
  term: config.term,
  schedules: {
    bundles: {
      ...(config.cron === undefined ? {} : { cron: config.cron }),
      concurrency: 2,
      plan: function* () {
        for (let orgId = 0; orgId < config.tenants; orgId++)
          yield warmItem(keys.bundle({ orgId }), async () => {
            tell({ what: 'load', orgId })
            await new Promise((resolve) => setTimeout(resolve, config.loadMs))
            return orgId
          })
      },
    },
  },
})
cache.on('lead', ({ held, fence }) => tell({ what: 'lead', held, fence }))

process.on('message', async ({ id, ask }: { readonly id: number; readonly ask: WarmingAsk }) => {
  const answer = async (): Promise<unknown> => {
    if (ask === 'start') return warming.start('bundles')
    if (ask === 'leads') return warming.leads
    if (ask === 'status') return (await warming.status()).schedules[0]
    if (ask === 'health') return cache.health().parts.warming
    const report = await cache.close()
    client.disconnect()
    return report
  }
  await answer().then(
    (value) => tell({ what: 'answer', id, value }),
    (error) => tell({ what: 'refusal', id, why: String(error) }),
  )
  if (ask === 'close') process.disconnect()
})

tell({ what: 'started' })
