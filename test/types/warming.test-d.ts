/** What the compiler finds in plans and schedules. Checked by `tsc`; nothing here runs. */
import { type Cache, defineKeys, type } from 'coherent-cache'
import { createWarming, familyLoader, keepWarm, warm, warmItem } from 'coherent-cache/warming'
import { Cron } from 'croner'

declare const cache: Cache
const keys = defineKeys({ stock: { key: 'stock:{sku}[:{shop}]', value: type<number>() }, any: 'any:{id}' })

warmItem(keys.stock({ sku: 'A1' }), async () => 12)
warmItem(keys.any({ id: 1 }), async () => 'whatever')
// @ts-expect-error: the family's values are numbers
warmItem(keys.stock({ sku: 'A1' }), async () => 'twelve')

familyLoader(keys.stock, ({ sku }) => sku.length)
// @ts-expect-error: the template has no such parameter
familyLoader(keys.stock, ({ size }) => size)
// @ts-expect-error: the family's values are numbers
familyLoader(keys.stock, ({ sku }) => sku)

warm(cache, [warmItem(keys.stock({ sku: 'A1' }), () => 12)], { concurrency: 2 })
createWarming(cache, { Cron, schedules: { a: { plan: () => [], cron: '0 0 * * *' } } })
// @ts-expect-error: a plan that runs more than once is a function
createWarming(cache, { Cron, schedules: { a: { plan: [] } } })
// @ts-expect-error: there is no such option
createWarming(cache, { Cron, schedules: { a: { plan: () => [], timezone: 'UTC' } } })
// @ts-expect-error: listed keys are asked for anew
keepWarm(cache, { listed: [] })
