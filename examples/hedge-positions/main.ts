/**
 * Hedge positions: what an entity may still hedge is read from a cache, and hedges are booked against it, by desks in
 * processes of their own over one Redis and one PostgreSQL. A desk that has been told 100, after 50 of them are gone, offers
 * a hedge that cannot be.
 *
 * `npm run example -- hedge-positions` starts a private Redis and PostgreSQL, and ends them.
 *
 * What to look for: in mode 'strict' no desk shows, from memory either, what was there before a booking that has
 * committed; however many book at once, no more is booked than there is, because a locked row decides and not the
 * cache; and a Redis that hangs costs a booking a fraction of a second, and brings nothing old back when it wakes.
 */
import { Client } from 'pg'
import { startPostgres } from '../../test/support/postgres.ts'
import { startRedis } from '../../test/support/redis.ts'
import { Account } from '../shared/account.ts'
import { ServiceProcess } from '../shared/service-process.ts'
import type { Desk } from './desk.ts'
import { olderThanPromised } from './judge.ts'
import type { Place } from './positions.ts'
import schema from './schema.sql'

const dollars: Place = { entityId: 1, currency: 'USD' }
const euros: Place = { entityId: 1, currency: 'EUR' }
const others: Place = { entityId: 2, currency: 'USD' }
const account = new Account()
account.title('Hedge positions: three desks, one Redis, one PostgreSQL')

const [redis, postgres] = await Promise.all([startRedis(), startPostgres()])
const database = new Client({ connectionString: postgres.url })
const desks: ServiceProcess<Desk>[] = []
const open = async (name: string, ...urls: string[]) => {
  const desk = await ServiceProcess.start<Desk>(name, new URL('./desk.ts', import.meta.url), urls)
  desks.push(desk)
  return desk
}

/** What every desk shows of a place, beside what the database holds. */
async function everyDesk(place: Place): Promise<void> {
  const sql = 'SELECT hedged, available FROM v_available_amounts WHERE entity_id = $1 AND currency = $2'
  const { rows } = await database.query(sql, [place.entityId, place.currency])
  const seen = await Promise.all(desks.map((desk) => desk.call('available', place)))
  for (const [at, { value, tier }] of seen.entries())
    account.answer(`${desks[at]?.name}, ${place.entityId} ${place.currency}`, value, rows[0], tier)
}

try {
  await database.connect()
  await database.query(schema)
  const [london, mumbai, delhi] = await Promise.all(
    ['London', 'Mumbai', 'Delhi'].map((name) => open(name, postgres.url, redis.url)),
  )
  if (!london || !mumbai || !delhi) throw new Error('No desk has opened.')
  desks.splice(0, desks.length, london, mumbai, delhi)
  await Promise.all(desks.map((desk) => desk.call('warm', [dollars, euros, others])))

  account.scene('Everybody has 100 of entity 1 in memory. London books 50 of its dollars; all look at once.')
  await london.call('book', dollars, 50)
  await everyDesk(dollars)
  await everyDesk(euros)
  account.say('One transaction, each table once:')
  for (const line of await london.call('log')) account.say(`  ${line}`)
  const { value, tier } = await mumbai.call('capacity', 1)
  account.answer('Mumbai, entity 1, through two views', value, 150, tier)

  account.scene('Mumbai books 30 more, and thinks again: a rollback shows nobody anything.')
  await mumbai.call('bookAndThinkAgain', dollars, 30)
  await everyDesk(dollars)

  account.scene('Delhi makes void, by hand, all that is in euros. Dollars stay where they are.')
  await everyDesk(dollars)
  await delhi.call('voidCurrency', 'EUR')
  await everyDesk(euros)
  await everyDesk(dollars)

  account.scene('Then all that is of entity 2. Entity 1 stays where it is.')
  await everyDesk(others)
  await delhi.call('voidEntity', 2)
  await everyDesk(others)
  await everyDesk(dollars)

  account.scene('All three book at once, in three places, much more than there is, and look all the while.')
  const hedges = Array.from({ length: 24 }, (_, turn) => ({ at: turn % 3, amount: 5 + (turn % 4) * 3 }))
  const traded = await Promise.all(desks.map((desk) => desk.call('trade', [dollars, euros, others], hedges)))
  const seen = traded.flatMap((one) => one.seen)
  const booked = traded.flatMap((one) => one.booked)
  const stale = olderThanPromised(seen, booked)
  const refused = traded.reduce((sum, one) => sum + one.refused, 0)
  const hits = seen.filter((one) => one.tier !== 'loader').length
  const { rows } = await database.query('SELECT min(available) AS least FROM v_available_amounts')
  account.judged(seen.length)
  account.say(
    `${booked.length} hedges were booked, ${refused} refused; ${seen.length} reads, ${hits} of them hits.`,
  )
  account.check('no read showed what was there before a booking that had committed', stale.length === 0)
  account.check('hedges were booked, and some were refused', booked.length > 0 && refused > 0)
  account.check('no more was booked than there is', Number(rows[0]?.least) >= 0)
  account.say(
    `The reads that bookings cost London, by table: ${Object.entries(await london.call('ranking'))
      .map(([table, reads]) => `${table} ${reads}`)
      .join(', ')}`,
  )

  account.scene('Redis hangs. Mumbai books all the same; Redis wakes with what it knew before.')
  await Promise.all(desks.map((desk) => desk.call('log')))
  const left: Place = { entityId: 2, currency: 'EUR' }
  await Promise.all(desks.map((desk) => desk.call('warm', [left])))
  await redis.kill('SIGSTOP')
  const { hedged, status, tookMs } = await mumbai.call('book', left, 40)
  account.check('the booking was done, within five seconds', hedged === 40 && tookMs < 5_000)
  account.check('its receipt says that it went on without its locks', status === 'unprotected')
  await redis.kill('SIGCONT')
  await mumbai.call('recovered')
  for (const line of await mumbai.call('log')) account.say(line)
  await everyDesk(left)

  account.scene('A desk without any Redis, after hours: a cache in memory, nothing else to configure.')
  await Promise.all(desks.splice(0).map((desk) => desk.leave()))
  const alone = await open('Tokyo', postgres.url)
  await everyDesk(left)
  await alone.call('book', left, 10)
  await everyDesk(left)
  await everyDesk(left)
} finally {
  await Promise.all(desks.map((desk) => desk.leave()))
  await database.end()
  await Promise.all([redis.stop(), postgres.stop()])
}
account.end()
