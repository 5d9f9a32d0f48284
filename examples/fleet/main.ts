/**
 * A fleet: three operating-system processes over one Redis and one PostgreSQL. Asha and Ravi sell seats, the board shows
 * how many are left. Each keeps what it has read in its own memory, and each hears of what the others commit.
 *
 * `npx tsx examples/fleet/main.ts` starts a private Redis and PostgreSQL, and ends them. It prints what every process
 * saw and where that came from: its loader, Redis ("store"), or its own memory. Where a process shows something older
 * than it may, the exit code is 1.
 *
 * What to look for: one load serves the whole fleet; right after a booking the process that made it sees it, as does
 * who asks for `freshness: 'committed'`; the others follow within `maxStaleness`, here in milliseconds; a transaction
 * that is rolled back costs nobody its memory; and where two sell the last seats at once, the row lock decides.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { startPostgres } from '../../test/support/postgres.ts'
import { startRedis } from '../../test/support/redis.ts'
import type { Answer, Ask } from './asks.ts'

const showId = 7
const SCHEMA = `
  CREATE TABLE shows (show_id int PRIMARY KEY, seats int NOT NULL);
  CREATE TABLE bookings (id serial PRIMARY KEY, show_id int NOT NULL REFERENCES shows, booked int NOT NULL);
  INSERT INTO shows VALUES (${showId}, 100);
`
const COLUMN = 14

class Member {
  readonly name: string
  readonly #child: ChildProcess
  readonly #ended: Promise<never>

  constructor(name: string, redisUrl: string, databaseUrl: string) {
    this.name = name
    this.#child = fork(fileURLToPath(new URL('./member.ts', import.meta.url)), [redisUrl, databaseUrl], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      // Imports .lua and .sql files from the sources. With the package installed none of this is needed.
      execArgv: ['--import', 'tsx', '--import', './scripts/text-loader.mjs'],
    })
    this.#ended = once(this.#child, 'exit').then(([code]) =>
      Promise.reject(new Error(`${name} has ended (${code}).`)),
    )
    this.#ended.catch(() => {})
  }

  async answer(): Promise<Answer> {
    const [answer] = await Promise.race([once(this.#child, 'message'), this.#ended])
    return answer as Answer
  }

  async ask(what: Ask): Promise<Answer> {
    const answer = this.answer()
    this.#child.send(what)
    return await answer
  }

  async leave(): Promise<void> {
    if (this.#child.connected) this.#child.send({ ask: 'leave' } satisfies Ask)
    await this.#ended.catch(() => {})
  }
}

/** Prints what every process sees, and notes it where one of those named sees anything but the truth. */
async function everyoneLooks(
  what: string,
  truth: number,
  strict: readonly Member[],
  freshness: 'bounded' | 'committed',
) {
  const seen = await Promise.all(fleet.map((member) => member.ask({ ask: 'look', showId, freshness })))
  console.log(what.padEnd(38) + seen.map(({ value, tier }) => `${value} ${tier}`.padEnd(COLUMN)).join(''))
  for (const member of strict)
    if (seen[fleet.indexOf(member)]?.value !== truth) broken.push(`${member.name}: ${what}`)
  return seen
}

const [redis, postgres] = await Promise.all([startRedis(), startPostgres()])
const fleet: Member[] = []
const broken: string[] = []
try {
  const client = new Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(SCHEMA)
  await client.end()
  fleet.push(...['Asha', 'Ravi', 'board'].map((name) => new Member(name, redis.url, postgres.url)))
  const [asha, ravi] = fleet as [Member, Member]
  await Promise.all(fleet.map((member) => member.answer()))
  const book = (member: Member, seats: number, changesItsMind = false) =>
    member.ask({ ask: 'book', showId, seats, changesItsMind })

  console.log(`\n${' '.repeat(38)}${fleet.map(({ name }) => name.padEnd(COLUMN)).join('')}`)
  await everyoneLooks('Everyone looks', 100, fleet, 'bounded')
  await everyoneLooks('Again', 100, fleet, 'bounded')

  await book(asha, 30)
  await everyoneLooks('Asha has sold 30; at once', 70, [asha], 'bounded')
  await everyoneLooks("Everyone asks for 'committed'", 70, fleet, 'committed')

  await book(ravi, 20, true)
  await everyoneLooks('Ravi has sold 20, and rolled back', 70, fleet, 'bounded')

  const sold = await Promise.all([book(asha, 70), book(ravi, 70)])
  const winners = [asha, ravi].filter((_, at) => sold[at]?.booked).map(({ name }) => name)
  if (winners.length !== 1) broken.push('The last seats were not sold once.')
  await everyoneLooks(`Both sell the last 70: ${winners.join(', ')} did`, 0, fleet, 'committed')
} finally {
  await Promise.all(fleet.map((member) => member.leave()))
  await Promise.all([redis.stop(), postgres.stop()])
}
console.log(
  broken.length === 0
    ? '\nNobody saw anything older than it may.'
    : `\nOlder than it may be:\n${broken.join('\n')}`,
)
process.exitCode = broken.length === 0 ? 0 : 1
