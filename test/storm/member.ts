/**
 * One process of a storm: opens a cache on real servers, reads and writes through its public API, and tells the conductor
 * what it did and saw. Nothing here catches what the library must not let through: an unhandled rejection ends it.
 */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { Pool } from 'pg'
import { Dice } from '../explorer/dice.ts'
import { sharedNow } from '../support/version-judge.ts'
import { Shop } from './app.ts'
import { Deeds } from './deed.ts'
import type { MemberConfig, Order, Report } from './messages.ts'
import { ReadLog } from './read-log.ts'
import { Reading } from './reading.ts'
import { open } from './subject.ts'
import { Writing } from './writing.ts'

const READ_LANES = 4
const WRITE_LANES = 2
const FLUSH_MS = 200

const config = JSON.parse(process.argv[2] ?? '{}') as MemberConfig
const tell = (report: Report) => {
  process.send?.(report)
}
const dice = new Dice(config.seed, config.process)
const shop = new Shop(config.items)
const pool = new Pool({
  connectionString: config.postgresUrl,
  application_name: `storm-${config.process}`,
  max: 8,
})
const deeds = new Deeds(pool, tell)
const opened = open(config, pool, deeds, {
  recovered: () => tell({ t: 'recovered', at: sharedNow() }),
  receipt({ status, token }) {
    const deed = deeds.current
    if (deed === undefined) return
    deed.status = status
    deed.token = token
  },
})
const log = new ReadLog((data) => tell({ t: 'reads', data }))
const reading = new Reading(opened, log, pool, shop, dice, config.map)
const writing = new Writing(config.process, { opened, reading, deeds, pool, shop, dice, tell })
let stopped = false

/** Reads at a steady rate. One that falls behind does not make up for it. */
async function read(): Promise<void> {
  let due = performance.now()
  const each = (1_000 * READ_LANES) / config.rate
  while (!stopped) {
    try {
      due += each * (await reading.some())
    } catch (error) {
      tell({ t: 'trouble', what: `a read failed: ${error instanceof Error ? error.stack : error}` })
    }
    const now = performance.now()
    due = Math.max(due, now - 100)
    if (due > now + 1) await sleep(due - now)
    else await turn()
  }
}

async function write(): Promise<void> {
  while (!stopped) {
    await writing.some()
    await sleep(5 + dice.below(25))
  }
}

const flushing = setInterval(() => log.flush(), FLUSH_MS)
const counting = setInterval(() => {
  const { hits, loads } = opened.cache.stats()
  tell({ t: 'stats', memory: hits.memory, store: hits.store, loads })
}, 1_000)

let working: Promise<unknown> = Promise.resolve()
process.on('message', (order: Order) => {
  if (order.t === 'token') reading.hear(order.told)
  else if (order.t === 'die') deeds.dieAt(order.at)
  else void stop()
})
process.on('disconnect', () => process.exit(0))

async function stop(): Promise<void> {
  stopped = true
  await working
  clearInterval(flushing)
  clearInterval(counting)
  log.flush()
  await opened.close()
  await pool.end()
  process.disconnect()
}

await opened.cache.ready({ timeout: '5s' }).catch(() => {})
tell({ t: 'ready' })
const lanes = config.role === 'writer' ? [read, ...Array.from({ length: WRITE_LANES }, () => write)] : []
if (config.role === 'reader') lanes.push(...Array.from({ length: READ_LANES }, () => read))
working = Promise.all(lanes.map((lane) => lane()))
