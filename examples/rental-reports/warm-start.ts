import { createWarming, warmItem } from 'coherent-cache/warming'
import { Cron } from 'croner'
import { keys } from './cache.ts'
import type { Reports } from './reports.ts'
import type { Service } from './service.ts'

/**
 * The three reports of every landlord, when the fleet starts and each hour: by one process of the fleet, and nobody
 * waits for it. What is there and fresh is left alone.
 */
export function warmReports({ cache }: Service, reports: Reports, landlordIds: readonly number[]) {
  return createWarming(cache, {
    Cron,
    schedules: {
      reports: {
        atStart: '1h',
        cron: '0 * * * *',
        concurrency: 4,
        *plan() {
          for (const id of landlordIds) {
            yield warmItem(keys.metrics({ landlordId: id }), ({ source }) => reports.metrics(id, {}, source))
            yield warmItem(keys.finance({ landlordId: id }), ({ source }) => reports.finance(id, {}, source))
            yield warmItem(keys.occupancy({ landlordId: id }), ({ source }) => reports.occupancy(id, source))
          }
        },
      },
    },
  })
}
