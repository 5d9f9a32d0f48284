/**
 * Dashboard bundles: ten counts, sums and lists for each tenant, 800 ms when computed. They are warmed at midnight by one
 * process of the fleet, shared by all, and void when a row is written that they count.
 *
 * `npm run example -- dashboard-bundles` needs no server: PostgreSQL runs inside (PGlite), two processes share a store in
 * memory, and time is a clock that is turned, so that nights take seconds.
 *
 * What to look for: nobody waits in the morning; a tenant that fails does not stop the others; a write voids its tenant's
 * bundle, and that over all tenants, and no other; schedules are changed, switched off, started by hand and made up; and
 * what the team's own way cost, beside this one.
 */
import { PGlite } from '@electric-sql/pglite'
import { manualClock } from 'coherent-cache/testing'
import { Account } from '../shared/account.ts'
import { queryBundle, type Whose } from './bundle.ts'
import { keyOf } from './cache.ts'
import { Fleet } from './fleet.ts'
import { spend, ways } from './nights.ts'
import schema from './schema.sql'
import type { Service, User } from './service.ts'
import { planOf } from './warm-bundles.ts'

const SECOND = 1_000
const HOUR = 3_600 * SECOND
const account = new Account()
account.title('Dashboard bundles: six tenants, two processes, and midnight')
const client = await PGlite.create()
await client.exec(schema)
const clock = manualClock('2026-11-19T23:50:00Z')
const fleet = new Fleet(client, clock)
const [one, two] = [await fleet.start(), await fleet.start()]
const user = (tenantId: number): User => ({ tenantId, admin: false, superadmin: false })
const superadmin: User = { tenantId: 0, admin: true, superadmin: true }

/** What a user is shown, beside what the rows come to. */
async function look(service: Service, who: User, query = ''): Promise<number> {
  const { response, tookMs } = await fleet.ask(service, who, query)
  const whose: Whose = {
    tenantId: who.superadmin ? undefined : who.tenantId,
    testData: query.includes('test_data'),
  }
  const seen = JSON.parse(await response.text())
  const truth = JSON.parse(JSON.stringify(await queryBundle(client, whose)))
  const where = `${response.headers.get('x-cache-tier')}, ${tookMs} ms`
  account.answer(`${service === one ? 'process one' : 'process two'}, ${keyOf(whose)}`, seen, truth, where)
  return tookMs
}
const run = async () => (await one.warming.status()).schedules.find(({ name }) => name === 'bundles')

account.scene(
  'Midnight: every bundle, with test data and without, and those of all tenants. Nobody knows the seats of tenant 5.',
)
await clock.advance(15 * 60 * SECOND)
const night = await run()
account.say(
  `${night?.last?.status}: ${night?.last?.warmed} warmed, ${night?.last?.failed} failed, ${night?.last?.durationMs} ms`,
)
account.say(`the next is at ${night?.next?.toISOString()}`)
account.check('one process did it', fleet.bundles.computed === 14)
account.check('tenant 5 stopped nobody', night?.last?.warmed === 12 && night.last.failed === 2)

account.scene('Eight in the morning: everybody looks, in both processes.')
await clock.advance(8 * HOUR)
let longest = 0
for (const tenantId of [1, 2, 3, 4, 6]) {
  longest = Math.max(
    longest,
    await look(one, user(tenantId)),
    await look(two, user(tenantId), 'test_data=true'),
  )
}
longest = Math.max(longest, await look(two, superadmin))
account.check('nobody waits', longest === 0)
await one.setSeats(5, 8)
await look(one, user(5))
await look(two, superadmin)

account.scene('Tenant 3 places an order at process one.')
await one.placeOrder(user(3), 499, new Date(clock.now()))
account.check('its first reader waits', (await look(two, user(3))) >= 800)
account.check('so does the superadmin', (await look(one, superadmin)) >= 800)
account.check('its test data has not changed', (await look(two, user(3), 'test_data=true')) === 0)
account.check('nor has tenant 4', (await look(one, user(4))) === 0)

account.scene('bust_cache=true, and clearing.')
const bust = async (who: User) => (await fleet.ask(one, who, 'bust_cache=true')).response
account.check('not for everybody', (await bust(user(3))).status === 403)
const busted = await bust({ ...user(3), admin: true })
account.check('for an administrator it computes anew', busted.headers.get('x-cache') === 'miss')
await look(two, user(3))
const administrator: User = { ...user(4), admin: true }
account.check('an empty request clears nothing', (await two.clear(superadmin, {})).status === 400)
account.check(
  "another tenant's is not for an administrator",
  (await two.clear(administrator, { tenantId: 3 })).status === 403,
)
await two.clear(administrator, { tenantId: 4 })
account.check('tenant 4 is cleared', (await look(one, user(4))) >= 800)
account.check('tenant 3 is not', (await look(one, user(3))) === 0)
await two.clear(superadmin, { all: true })
account.check('all is cleared where that is said', (await look(one, user(3))) >= 800)

account.scene('By hand, for a tenant of its own, at another hour, and not at all.')
const before = fleet.bundles.computed
await two.warming.start('bundles')
await clock.advance(60 * SECOND)
account.say(
  `by hand: ${(await run())?.last?.reason}, ${(await run())?.last?.warmed} warmed, ${(await run())?.last?.fresh} were fresh`,
)
account.check('what is fresh is left alone', fleet.bundles.computed - before === 13)
for (const { warming } of fleet.services)
  warming.add('bundles:6', { cron: '30 5 * * *', timeZone: 'Asia/Kolkata', plan: planOf(fleet.bundles, 6) })
await one.warming.set('bundles', { cron: '0 2 * * *' })
await clock.advance(10 * SECOND)
for (const { name, cron, next } of (await two.warming.status()).schedules)
  account.say(`${name}: ${cron}, next at ${next?.toISOString()}`)
await one.warming.set('bundles', { off: true })
await one.warming.set('bundles:6', { off: true })
await clock.advance(10 * SECOND)
const { parts, store } = (await two.health().json()) as ReturnType<Service['cache']['health']>
account.say(`health: store ${store.status}; warming ${parts.warming?.status}: ${parts.warming?.reason}`)
account.check('a scheduler that does nothing is seen', parts.warming?.status === 'stopped')
await one.warming.set('bundles', null)

account.scene('Nobody is there at midnight. At three a process starts.')
await clock.advance(60 * SECOND)
await fleet.stop()
await clock.advance(19 * HOUR)
await fleet.start()
await clock.advance(60 * SECOND)
const [madeUp] = (await fleet.services[0]?.warming.status())?.schedules ?? []
account.say(
  `${madeUp?.last?.due?.toISOString()} was ${madeUp?.last?.reason}, and run at ${madeUp?.last?.started?.toISOString()}`,
)
account.check('it is made up', madeUp?.last?.reason === 'missed' && madeUp.last.status === 'done')

account.scene('For the runbook: what a bundle hangs on, and which writes void most.')
const { ttl, dependsOn } = (await fleet.services[0]?.inspect(user(3))) ?? {}
account.say(`lives ${ttl}; hangs on ${dependsOn?.flatMap(({ tables }) => tables).join(', ')}`)
account.say(`void by table: ${JSON.stringify(one.cache.stats().tables)}; the log: ${one.log.at(-1)}`)
await fleet.stop()

account.scene(
  "The team's way, and this one: a night with tenant 3 at work, who looks 23 times; five tenants look at eight.",
)
const columns = (cells: readonly unknown[]) =>
  cells.map((cell, at) => (at === 0 ? String(cell).padEnd(36) : String(cell).padStart(16))).join('')
account.say(columns(['', 'waits at night', 'waits at eight', 'computed']))
for (const way of ways) {
  const { nightWaits, morningWaits, computed } = await spend(client, way)
  account.say(columns([way.name, nightWaits, `${morningWaits} of 5`, computed]))
}
await client.close()
account.end()
