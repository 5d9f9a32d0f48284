/**
 * Finance events: every write records an event beside its rows; a queue hands the event to one replica of the service,
 * which makes void the reports of the days it names, and tells the frontends, which read again.
 *
 * `npm run example -- finance-events` needs no server: PostgreSQL runs inside (PGlite), three replicas share a Redis
 * where one is at hand, else memory.
 *
 * What to look for: an event that one replica handles is heard by all; duplicates, late events and events that nobody
 * understands yet do no harm; a notification's token makes its refetch new on any replica; writes that forget their
 * event, or go past the service, are found all the same.
 */
import { PGlite } from '@electric-sql/pglite'
import { isCacheError } from 'coherent-cache'
import { createJournalRelay, defineJournal } from 'coherent-cache/journal'
import { Account } from '../shared/account.ts'
import { sharedTier } from '../shared/shared-tier.ts'
import { deliver } from './broker.ts'
import { Browser } from './browser.ts'
import { dependencies, keys } from './cache.ts'
import down from './events.down.sql'
import { type FinanceEvent, record } from './events.ts'
import up from './events.up.sql'
import { live, since } from './feed.ts'
import { computeReport, openReplica, type Replica, type User } from './replica.ts'
import schema from './schema.sql'

const asha: User = { id: 1, orgId: 7, admin: true }
const ravi: User = { id: 2, orgId: 8, admin: false }
const property = 12
const day = '2026-11-20'
const account = new Account()
const tier = await sharedTier()
account.title('Finance events: three replicas, a queue, and browsers that are told')
account.say(`The replicas share ${tier.label}.`)

const client = await PGlite.create()
await client.exec(schema)
await client.exec(up)
// Writes of any client to these tables are recorded, with what the map looks at.
const columns = ['org_id', 'property_id', 'day']
const journal = defineJournal({
  dependencies,
  triggers: ['revenues', 'expenses'],
  columns: { revenues: columns, expenses: columns },
})
await journal.ensure(client)
const [one, two, three] = (await Promise.all(
  ['replica-1', 'replica-2', 'replica-3'].map((name) => openReplica(name, client, tier.store, journal)),
)) as [Replica, Replica, Replica]
const replicas = [one, two, three]
const relay = createJournalRelay({ journal, cache: three.cache, client, interval: 'never' })

/** What replicas answer of a day, its month and its year, beside what the rows add up to. */
async function look(who: readonly Replica[], user: User, readAfter: string | null = null): Promise<void> {
  for (const period of [day, day.slice(0, 7), day.slice(0, 4)]) {
    const truth = await computeReport(client, user.orgId, property, period)
    for (const replica of who) {
      const { value, tier } = await replica.report(user, property, period, readAfter)
      account.answer(`${replica.instance}, organisation ${user.orgId}, ${period}`, value, truth, tier)
    }
  }
}
/** Another service changes amounts. It has no cache; it records an event, where it does not forget to. */
const elsewhere = (amount: number, event?: Pick<FinanceEvent, 'schema_version' | 'type'>) =>
  client.transaction(async (tx) => {
    const values = [amount, asha.orgId, day]
    await tx.query('UPDATE revenues SET amount = amount + $1 WHERE org_id = $2 AND day = $3', values)
    const { orgId: org_id, id: user_id } = asha
    if (event)
      await record(tx, { ...event, entity_id: 1, org_id, property_id: property, dates: [day], user_id })
  })
const updated = { schema_version: 1, type: 'revenue.updated' } as const
const lastToken = async () => (await since(client, asha.orgId, 0)).at(-1)?.read_after ?? null

account.scene('Asha adds a revenue on replica-1, twice, so that there is something to see; everybody reads.')
await one.addRevenue(asha, property, day, 100)
await one.addRevenue(asha, property, '2026-11-02', 50)
await deliver(client, two.handle)
await look(replicas, asha)
await look(replicas, ravi)

account.scene('She adds 500. On replica-1 it is there at once; nothing of organisation 8 is loaded again.')
await one.addRevenue(asha, property, day, 500)
await look([one], asha)
await look([one], ravi)

account.scene(
  'The queue hands its event to replica-2 alone. A browser is told, and reads again on each replica.',
)
const browser = new Browser()
await deliver(client, two.handle)
const told = await browser.listen(live(client, asha.orgId, browser.lastEventId), 3)
await look(replicas, asha, told.at(-1)?.read_after)

account.scene(
  'Another service, without a cache, changes the amount. Its event comes twice, and late ones after it.',
)
await elsewhere(11, updated)
await deliver(client, two.handle, { acknowledge: false })
await elsewhere(22, updated)
await deliver(client, three.handle)
await look(replicas, asha, await lastToken())
account.check('nobody was told twice', (await since(client, asha.orgId, 0)).length === 5)

account.scene('The browser was away meanwhile, and comes back with its last event id.')
const missed = await browser.listen(live(client, asha.orgId, browser.lastEventId), 2)
account.check(
  'it hears of both changes that it missed, in order',
  missed.map((one) => one.number).join() === '4,5',
)
account.check('the other organisation hears of nothing', (await since(client, ravi.orgId, 0)).length === 0)

account.scene(
  'An event of a version that nobody knows yet: it is parked, and the one behind it is not held up.',
)
await elsewhere(33, { ...updated, schema_version: 2 })
await elsewhere(44, updated)
await deliver(client, two.handle)
account.say(`replica-2 alerts: ${two.alerts.splice(0).join('; ')}`)
account.check('one is parked, the other was told', two.parked() === 1)
await two.learn(2)
account.check('after the next deploy it is replayed', two.parked() === 0)
await look(replicas, asha, await lastToken())

account.scene('A write of replica-1 forgets its event. It is void all the same, and the omission is noticed.')
await one.addRevenue(asha, property, day, 1_000, true)
account.say(`replica-1 alerts: ${one.alerts.join('; ')}`)
account.check('the alert names the table', one.alerts.join() === 'no event: revenues')
await look([one], asha)

account.scene(
  'Somebody corrects a row by hand, with psql: no cache, no event. The journal has it; a relay tells.',
)
await relay.run()
await elsewhere(5_000)
const stale = await one.report(asha, property, day)
account.say(`until the relay has looked, replica-1 answers revenue ${stale.value.revenue}`)
await relay.run()
await look([three], asha) // the replica whose relay it was; the others follow within maxStaleness, a second
account.check(
  'with its row: organisation 8 keeps what it has',
  (await three.report(ravi, property, day)).status === 'hit',
)

account.scene('Tenants: nobody reads what is not theirs, nor displaces it.')
const theirs = keys.daily({ orgId: asha.orgId, propertyId: property, date: day })
const refused = await two.cache
  .scope({ orgId: ravi.orgId })
  .get(theirs, () => ({ revenue: 0, expenses: 0 }))
  .catch((error) => isCacheError(error, 'OUT_OF_SCOPE'))
account.check('organisation 8 cannot even ask for a report of 7', refused === true)
await look([three], asha)
const displaced: unknown[] = []
three.cache.on('evicted', ({ key }) => displaced.push(keys.daily.parse(key)?.orgId))
const many = Array.from({ length: 500 }, (_, at) => ({ orgId: ravi.orgId, propertyId: at, date: day }))
await three.cache.getMany(keys.daily, many, (missing) => missing.map(() => ({ revenue: 0, expenses: 0 })))
account.check(
  '500 reports of organisation 8 displaced its own, and none of 7',
  displaced.length > 0 && displaced.every((orgId) => orgId === '8'),
)

account.scene('History and administration.')
const page = await one.history(asha, { type: 'revenue.updated', limit: 2 })
const next = await one.history(asha, { type: 'revenue.updated', limit: 2, before: page.at(-1)?.number ?? 0 })
account.check('history comes in pages, newest first', page.length === 2 && next.length === 2)
account.check('administrators alone may look', (await one.administer(ravi, 'stats')).status === 403)
const { events } = (await (await one.administer(asha, 'stats')).json()) as { events: object }
account.say(`events of organisation 7: ${JSON.stringify(events)}`)
const changed = await client.query('DELETE FROM finance_events').catch((error: Error) => error.message)
account.check('the events are append-only', changed === 'finance_events is append-only')

await relay.close()
for (const { cache } of replicas) await cache.close()
await client.exec(down)
await client.close()
await tier.close()
account.end()
