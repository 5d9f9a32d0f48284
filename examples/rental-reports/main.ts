/**
 * Rental reports: dashboards of landlords are made of reports that take their time, each cached on its own for as long
 * as its kind allows. Reports are read from a replica of the database, payments are written to its primary.
 *
 * `npm run example -- rental-reports` needs no server: two PGlites are primary and replica, two processes of the service
 * share a store in memory, and time is a clock that is turned.
 *
 * What to look for: a payment voids every form of its landlord's keys, and of nobody else's, although it names the renter
 * alone; a replica that lags never brings back what was voided; with the payment's token no part of a dashboard predates
 * it; and what four ways to keep reports fresh cost, side by side.
 */
import { PGlite } from '@electric-sql/pglite'
import { formatAudit } from 'coherent-cache/audit'
import { manualClock, memoryStore } from 'coherent-cache/testing'
import { Account } from '../shared/account.ts'
import { audit, theirMap } from './audit.ts'
import { type Dashboard, dependencies, keys, openCache } from './cache.ts'
import { LaggingReplica } from './replica.ts'
import { Reports, type Span } from './reports.ts'
import schema from './schema.sql'
import { createService, type Service, type User } from './service.ts'
import { warmReports } from './warm-start.ts'
import { spend, ways } from './ways.ts'

const landlords = Array.from({ length: 10 }, (_, at) => at + 1)
const asha: User = { admin: false, landlordIds: [1] }
const ten: User = { admin: false, landlordIds: [10] }
const admin: User = { admin: true, landlordIds: landlords }
const account = new Account()
account.title('Rental reports: a primary, a replica that lags, two processes')

const [primary, standby] = await Promise.all([PGlite.create(), PGlite.create()])
await Promise.all([primary.exec(schema), standby.exec(schema)])
const replica = new LaggingReplica(primary, standby)
await replica.catchUp()
const reports = new Reports(primary, standby)
const truth = new Reports(primary, primary)
const clock = manualClock('2026-11-20T09:10:00Z')
const store = memoryStore({ clock })
const start = (name: string) => createService(openCache(name, store, clock), primary, reports)
const [one, two] = [start('one'), start('two')]
await Promise.all([one.cache.ready(), two.cache.ready()])
await clock.advance(60_000) // a store that is new cannot say what was voided before it

/** A dashboard as the rows have it now. */
async function expected(landlordId: number): Promise<Dashboard> {
  const [metrics, finance] = [await truth.metrics(landlordId, {}), await truth.finance(landlordId, {})]
  return { metrics, occupancy: await truth.occupancy(landlordId), finance }
}
async function look(who: Service, user: User, readAfter: string | null = null): Promise<void> {
  const landlordId = user.landlordIds[0] as number
  const response = await who.dashboard(user, landlordId, readAfter)
  const where = response.headers.get('x-cache') ?? ''
  account.answer(
    `process ${who.cache === one.cache ? 'one' : 'two'}, landlord ${landlordId}`,
    await response.json(),
    await expected(landlordId),
    where,
  )
}
const queries = () => reports.queries.primary + reports.queries.replica

account.scene('Both processes start, and warm the three reports of each landlord; one of them does it.')
for (const service of [one, two]) warmReports(service, reports, landlords)
await clock.advance(60_000)
account.check(
  '30 queries for ten landlords, all to the replica',
  reports.queries.replica === 30 && queries() === 30,
)
await look(one, asha)
await look(two, asha)
await look(two, ten)
account.check('dashboards are put together from what is there', queries() === 30)
account.check('landlord 10 may not see landlord 1', (await two.dashboard(ten, 1)).status === 403)

account.scene('Renter 1 pays 1,000 through process one. The replica has not heard of it yet.')
const spans: Span[] = [{}, { start: '2026-11-01' }, { start: '2026-11-01', end: '2026-11-30' }]
for (const span of spans) for (const id of [1, 10]) await two.reports.metrics(id, span)
const paid = await one.pay(1, 1_000, '2026-11-20')
const there = await new Reports(standby, standby).metrics(1, {})
account.say(`the replica says: paid ${there.paid}; the primary: paid ${(await truth.metrics(1, {})).paid}`)
await look(two, asha, paid.headers.get('x-read-after'))
await look(one, asha)
account.check('what was voided was loaded from the primary', reports.queries.primary > 0)
const before = queries()
for (const span of spans) await two.reports.metrics(10, span)
await look(two, ten)
account.check('landlord 10 is not landlord 1: nothing of 10 was loaded', queries() === before)
for (const span of spans) {
  const said = `process two, 1 from ${span.start ?? '...'} to ${span.end ?? '...'}`
  account.answer(
    said,
    await two.reports.metrics(1, span),
    await truth.metrics(1, span),
    'every form of the key',
  )
}

account.scene('Six minutes later what was read has expired; the replica has caught up, and is read again.')
await replica.catchUp()
await clock.advance(6 * 60_000) // dashboards and metrics live five minutes
const { primary: asked } = reports.queries
await look(one, asha)
account.check('the primary was not asked', reports.queries.primary === asked)

account.scene('Renter 2 moves out: occupancy, the list, and what is due. 0 is an answer like any other.')
await two.reports.renters(1)
await two.leave(2)
await replica.catchUp()
await look(two, asha)
account.answer('process two, renters of 1', await two.reports.renters(1), await truth.renters(1), 'the list')
await one.reports.occupancy(2)
const sofar = queries()
account.answer('process one, occupancy of 2', await one.reports.occupancy(2), 0, 'nobody rents there')
account.check('the 0 was not computed again', queries() === sofar)

account.scene(
  'A payment of a renter whom nobody knows, told by another service: rather too much than too little.',
)
await one.reports.metrics(10, {})
const held = () => one.cache.peek(keys.metrics({ landlordId: 10 })) !== undefined
account.check('the metrics of landlord 10 are in memory', held())
const unknown = { id: 999, renter_id: 999, amount: 1, paid_on: '2026-11-20' }
const receipt = await one.cache.invalidate({ table: 'payments', operation: 'insert', rows: [unknown] })
account.say(`void: ${receipt.stamps.join(', ')}`)
account.check('now they are void', !held())

account.scene('A list of 250 payments: one query for each hundred that missed.')
const ids = Array.from({ length: 250 }, (_, at) => at + 1)
const began = queries()
await one.payments(ids)
account.check('three queries', queries() === began + 3)
await one.payments(ids)
account.check('then none', queries() === began + 3)
await two.pay(4, 1_000, '2026-11-20')
const list = await one.payments(ids)
account.check('after one more payment, one', queries() === began + 4)
account.answer(
  'process one, payments',
  list,
  await truth.payments(ids),
  `${list.filter(Boolean).length} found`,
)

account.scene(
  'What is never kept is never kept; a refresh is a refresh; administrators alone may look and clear.',
)
await one.reports.notifications(1)
const asking = queries()
await one.reports.notifications(1)
account.check('notifications are asked for each time', queries() === asking + 1)
const refreshed = await one.dashboard(asha, 1, null, true)
account.check('a reader who asks for it gets a fresh one', refreshed.headers.get('x-cache') === 'loader')
account.check('others may not', (await one.administer(asha, 'clear', 1)).status === 403)
const { dependsOn } = (await (await one.administer(admin, 'explain', 1)).json()) as {
  dependsOn: { pattern: string; tables: string[] }[]
}
for (const { pattern, tables } of dependsOn) account.say(`${pattern} hangs on ${tables.join(', ')}`)
account.say(`statistics: ${JSON.stringify(await (await one.administer(admin, 'stats', 1)).json())}`)

account.scene("The team's own map, audited: its patterns look right, and match none of its keys.")
const theirs = await audit(theirMap, primary)
account.say(formatAudit(theirs).trim().replaceAll('\n', '\n  '))
account.check('theirs is found out', !theirs.ok)
account.check('this one is complete', (await audit(dependencies, primary)).ok)

account.scene(
  'Four ways to keep one report fresh, and together: two hours, a read each minute, six payments.',
)
const columns = (cells: readonly unknown[]) =>
  cells
    .map((cell, at) =>
      String(cell)
        .padStart(at === 0 ? 0 : 12)
        .padEnd(at === 0 ? 42 : 0),
    )
    .join('')
account.say(columns(['', 'waited', 'old', 'computed']))
for (const way of ways) {
  const { waited, old, computed } = await spend(way)
  account.say(columns([way.name, waited, old, computed]))
}

const closing = [one, two].map(({ cache }) => cache.close())
await clock.advance(10_000)
await Promise.all([...closing, primary.close(), standby.close()])
account.end()
