/**
 * A process that commits one write through a bound pool with a journal, and ends itself at a step of it. Says nothing: what
 * it did is for the database and the journal to show.
 */
import { createCache } from 'coherent-cache'
import { defineJournal } from 'coherent-cache/journal'
import { bindPg } from 'coherent-cache/pg'
import { redisStore } from 'coherent-cache/redis'
import { Pool } from 'pg'
import { dependencies, type JournalStep, type JournalWriterConfig } from '../journal-writer.ts'
import { connectTo } from '../redis-clients.ts'

const config = JSON.parse(process.argv[2] ?? '{}') as JournalWriterConfig
const die = (step: JournalStep) => {
  if (step === config.step) process.kill(process.pid, 'SIGKILL')
}
const client = connectTo(config.redisPort)
const cache = createCache({
  name: config.name,
  dependencies,
  consistency: config.mode,
  store: redisStore({ client }),
})
const pool = new Pool({
  connectionString: config.url,
  application_name: `journal-${config.step}-${config.id}`,
  options: `-c search_path=${config.schema}`,
})
pool.on('connect', (connection) => {
  const query = connection.query.bind(connection) as (...given: unknown[]) => Promise<unknown>
  connection.query = (async (...given: unknown[]) => {
    const text = String(given[0])
    const records = text.includes('INSERT INTO "')
    if (records) die('sealed')
    if (text === 'COMMIT') die('recorded')
    if (text.startsWith('DELETE FROM "')) die('rotated')
    const answer = query(...given)
    // What is sent leaves the process in the next turn.
    if (text === 'COMMIT') setImmediate(() => die('commit sent'))
    if (text.startsWith('DELETE FROM "')) setImmediate(() => die('settling'))
    const result = await answer
    if (text.startsWith('BEGIN')) die('begun')
    if (text.startsWith('UPDATE')) die('written')
    if (text === 'COMMIT') die('committed')
    if (text === 'COMMIT') setImmediate(() => die('rotating'))
    if (text.startsWith('DELETE FROM "')) die('settled')
    return result
  }) as typeof connection.query
})
await cache.ready({ timeout: '20s' })
const journal = defineJournal({ dependencies, schema: config.schema, grace: config.graceMs })
const db = bindPg(pool, cache, { journal })
await db.query('UPDATE items SET version = version + 1 WHERE id = $1 RETURNING *', [config.id])
await journal.flush()
throw new Error(`It never came to the step ${config.step}.`)
