import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { systemRandomness } from '../../src/core/random.ts'
import { registrationStamp } from '../../src/core/stamp.ts'
import type { RedisConnection } from '../../src/stores/redis/client.ts'
import { Layout } from '../../src/stores/redis/layout.ts'
import { RedisLeads } from '../../src/stores/redis/leads.ts'
import { Scripts, scriptsFor } from '../../src/stores/redis/scripts.ts'
import type { Argument } from '../../src/stores/redis/servers.ts'
import { runScript } from '../../src/stores/redis/standalone.ts'
import { uniqueName } from '../support/redis-caches.ts'
import { connectTo, unlinkUnder } from '../support/redis-clients.ts'

/**
 * The headers of the scripts, held against what is really sent and really comes back: every phrase of a header names
 * one argument (or a run of them), in order, and none is left over.
 */

const folder = new URL('../../src/stores/lua/', import.meta.url)

interface Sent {
  readonly keys: readonly string[]
  readonly args: readonly string[]
  readonly reply: unknown
}

/** What every argument of the calls below is, so that no two could be taken for each other. */
const known = {
  nonce: 'nonce-1234567890',
  lock: 'lock-id-12345678',
  process: 'the process',
  digest: 'digest-123456789',
  skeleton: '{"skeleton":1}',
  settings: 'the settings',
  body: '{"s":[],"k":[],"e":0,"n":"app"}',
  payload: 'the value',
  claimMs: '11111',
  lockMs: '22222',
  replicaMs: '66666',
  position: '00000001/0000002A',
  holderMs: '33333',
  valueMs: '44444',
  forgetMs: '55555',
  day: '86400000',
  title: 'a title',
  holder: 'holder-123456789',
  label: 'who leads',
  leadMs: '66666',
}
const TOKEN = /^[\w-]{16}$/
const exactly = (text: string) => new RegExp(`^${text.replace(/[{}[\]"]/g, '\\$&')}$`)

/** What a phrase of a header promises; `many` is a run of any length, `each` a run of such groups. */
type Meaning = RegExp | { readonly many: RegExp } | { readonly each: readonly RegExp[] }

const STAMP = /:s:/
const KEYS: Record<string, Meaning> = {
  state: /:state$/,
  maps: /:maps$/,
  'lease holders': /:holders$/,
  'registration stamp': /:s:\|map\|/,
  skeleton: /:map:/,
  'a name that need not exist': /:nothing$/,
  value: /:v:/,
  claim: /:c:/,
  stamp: STAMP,
  lead: /:l:app:a title$/,
  'maps or lease holders': /:(maps|holders)$/,
  'S stamps': { many: STAMP },
  'stamps...': { many: STAMP },
  recent: /:recent$/,
  before: /:before$/,
  'then values and claims': { each: [/:v:/, /:c:/] },
}
const ARGV: Record<string, Meaning> = {
  S: /^\d+$/,
  plan: new RegExp(`^3,2,${known.lockMs},${known.replicaMs}$`),
  fence: new RegExp(`^${known.nonce}epoch-1234567890[\\w-]{16}(token-\\d{10}){4}$`),
  nonce: exactly(known.nonce),
  'fresh epoch': TOKEN,
  'fresh token': TOKEN,
  'a fresh token per stamp': { many: TOKEN },
  'map digest': exactly(known.digest),
  'registration ms': exactly(known.day),
  'stamp ms': /^104444$/,
  'replica ms': exactly(known.replicaMs),
  "number of the key's own stamp": /^4$/,
  "place in the database's log": exactly(known.position),
  'head of the fingerprint': /^CC1/,
  'stamp indices': /^[\d,]*$/,
  'claim ms': exactly(known.claimMs),
  claim: new RegExp(`^${known.nonce}0${known.claimMs}$`),
  'value ms': exactly(known.valueMs),
  value: /^the value/,
  channel: /^cc:\{.*\}$/,
  'message body': exactly(known.body),
  'ms for which a lease holder counts': exactly(known.holderMs),
  'id of a lock to take off': exactly(known.lock),
  'lock id': exactly(known.lock),
  'lock ms': exactly(known.lockMs),
  process: exactly(known.process),
  'ms after which a holder is forgotten': exactly(known.forgetMs),
  skeleton: exactly(known.skeleton),
  settings: exactly(known.settings),
  'ms that settings stay in force': /^60000$/,
  'id of a lock to take off or put on': exactly(known.lock),
  'ms that the lock is put on for': exactly(known.lockMs),
  "'1' to advance the sequence": /^[01]$/,
  'process to enter': exactly(known.process),
  'ms after which an entry is forgotten': exactly(known.forgetMs),
  'ms to prolong it by': exactly(known.claimMs),
  holder: exactly(known.holder),
  label: exactly(known.label),
  'lead ms': exactly(known.leadMs),
  'fence of its term': /^\d{13,}$/,
  'name of a record': /^record-\d$/,
  'text of a record': /^text \d$/,
  'revision known': /^1234567$/,
}

/** A header's text behind `-- NAME`, its lines joined. */
function header(lua: string, name: string): string {
  const found = new RegExp(`^-- ${name}:? (.*(?:\\n--  +.*)*)`, 'm').exec(lua)?.[1]
  if (found === undefined) throw new Error(`There is no header ${name}.`)
  return found.replace(/\n--\s+/g, ' ')
}

/** The phrases of a header, in order, and those that come once per item. */
function phrases(text: string): { readonly once: readonly string[]; readonly perItem: readonly string[] } {
  const [once = '', perItem] = text.replace(/ \([^)]*\)/g, '').split(/,? then per item: /)
  const split = (part: string) => part.split(/, /).filter((phrase) => phrase !== '')
  return { once: split(once), perItem: perItem === undefined ? [] : split(perItem) }
}

/** How many of the values these phrases account for. Fails at the first that is not what its phrase says. */
function account(
  names: readonly string[],
  meanings: Record<string, Meaning>,
  values: readonly string[],
  from: number,
): number {
  let at = from
  for (const name of names) {
    const meaning = meanings[name]
    if (meaning === undefined) throw new Error(`Nobody knows what ${JSON.stringify(name)} is.`)
    const matches = (pattern: RegExp, offset = 0) =>
      at + offset < values.length && pattern.test(values[at + offset] as string)
    if (meaning instanceof RegExp) {
      if (!matches(meaning)) throw new Error(`Number ${at + 1} is ${values[at]}, not ${name}.`)
      at++
    } else if ('many' in meaning) {
      while (matches(meaning.many)) at++
    } else {
      while (meaning.each.every((pattern, offset) => matches(pattern, offset))) at += meaning.each.length
    }
  }
  return at
}

function checkList(
  text: string,
  meanings: Record<string, Meaning>,
  values: readonly string[],
  items: number,
) {
  const { once, perItem } = phrases(text)
  let at = account(once, meanings, values, 0)
  for (let item = 0; item < items && perItem.length > 0; item++) at = account(perItem, meanings, values, at)
  expect(values.slice(at), 'what no phrase of the header names').toEqual([])
}

const SCRIPTS = scriptsFor('PUBLISH')
const client = connectTo(inject('redisPort'))
const namespace = uniqueName()
const sent: Record<string, Sent> = {}

beforeAll(async () => {
  const connection = client as unknown as RedisConnection
  for (const [name, lua] of Object.entries(SCRIPTS)) connection.defineCommand(name, { lua })
  const recorded = {
    async run(name: string, keys: readonly string[], args: readonly Argument[]) {
      const reply = await runScript(connection, name, keys, args)
      const text = (one: Argument) => (Buffer.isBuffer(one) ? one.toString('latin1') : String(one))
      sent[name] = { keys: keys.map(text), args: args.map(text), reply }
      return reply
    },
  }
  const scripts = new Scripts(recorded, systemRandomness())
  const layout = new Layout('', namespace, 'app', 0)
  const stamp = registrationStamp(known.digest)
  const map = { digest: known.digest, stamp, skeleton: known.skeleton }
  const stamps = [stamp, '|', 'user:*']
  const place = { key: 'user:1', shard: 'user:1' }
  const claim = { nonce: known.nonce, ttlMs: Number(known.claimMs), takeOver: false }
  const items = [
    { ...place, stamps, claim },
    { key: 'user:2', shard: 'user:2', stamps: stamps.slice(0, 2), claim },
  ]
  const holderMs = Number(known.holderMs)
  await scripts.register(layout, map, known.settings)
  const replicaLagMs = Number(known.replicaMs)
  await scripts.read(layout, 0, map, items, { lockMs: Number(known.lockMs), replicaLagMs })
  const fill = {
    ...place,
    nonce: known.nonce,
    epoch: 'epoch-1234567890',
    stamps: [...stamps, '|key|user:1'],
    tokens: [...stamps, ''].map((_, at) => `token-${String(at).padStart(10, '0')}`),
    value: Buffer.from(known.payload),
    ttlMs: Number(known.valueMs),
    publish: true,
  }
  await scripts.fill(layout, fill, known.body, { holderMs, replicaLagMs })
  await scripts.claim(layout, 'user:1', known.nonce, Number(known.claimMs))
  await scripts.prolong(layout, 'user:1', Number(known.valueMs))
  await scripts.heartbeat(layout, 0, map, known.process, Number(known.forgetMs), known.settings)
  const lock = { id: known.lock, ms: Number(known.lockMs), holderMs }
  await scripts.lock(layout, 0, stamps, lock, known.body)
  const leads = new RedisLeads({ ...recorded, check() {} }, [layout])
  const { title, holder, label } = known
  const { fence } = await leads.lead({ title, holder, label, ttlMs: Number(known.leadMs) })
  const entries = new Map([
    ['record-1', 'text 1'],
    ['record-2', 'text 2'],
  ])
  await leads.record({ title, entries, term: { holder, fence } })
  await leads.records(title, 1_234_567)
  const places = [place, { key: 'user:2', shard: 'user:2' }]
  const { body, position } = known
  const rotation = { stamps, places, body, lock: known.lock, holderMs, replicaLagMs, position }
  await scripts.rotate(layout, 0, rotation)
  await scripts.lockOne(layout, '|', known.lock, Number(known.lockMs))
  await scripts.state(layout, 0, { advance: true, settings: known.settings })
  await scripts.hold(layout, known.process, Number(known.forgetMs))
})
afterAll(async () => {
  await unlinkUnder(client, `cc:{${namespace}.`)
  client.disconnect()
})

const shared = ['common.lua', 'locks.lua', 'recent.lua']
const files = readdirSync(folder).filter((file) => !shared.includes(file))
const commandOf = (file: string) =>
  `cc-${file.slice(0, -'.lua'.length)}`.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())

test('every script is called', () => {
  const commands = files.map(commandOf)
  expect(Object.keys(SCRIPTS).sort()).toEqual(commands.sort())
  expect(Object.keys(sent).sort()).toEqual(commands.sort())
})

describe.each(files)('%s', (file) => {
  const lua = readFileSync(new URL(file, folder), 'utf8')
  const name = commandOf(file)
  const of = () => sent[name] as Sent

  test('KEYS are what its header says', () => checkList(header(lua, 'KEYS'), KEYS, of().keys, 2))

  test('ARGV are what its header says', () => checkList(header(lua, 'ARGV'), ARGV, of().args, 2))

  test('it reads no argument beyond those', () => {
    for (const [list, values] of [
      ['KEYS', of().keys],
      ['ARGV', of().args],
    ] as const) {
      const numbers = [...lua.matchAll(new RegExp(`\\b${list}\\[(\\d+)\\]`, 'g'))].map((match) =>
        Number(match[1]),
      )
      expect(Math.max(0, ...numbers)).toBeLessThanOrEqual(values.length)
    }
  })

  test('it draws nothing: every token comes from the caller', () => {
    // A server that restarts draws the same numbers again, and a void token would come back to life.
    expect(SCRIPTS[name as keyof typeof SCRIPTS]).not.toMatch(/math\s*\.\s*random/)
  })

  test('what it returns is as long as its header says', () => {
    const documented = header(lua, 'returns')
    const { reply } = of()
    const list = /^\{ (.*) \}$/.exec(documented)?.[1]
    if (list === undefined) {
      expect(typeof reply).toBe('number')
      return
    }
    expect(Array.isArray(reply)).toBe(true)
    const [once = '', perItem] = list.replace(/ \([^)]*\)/g, '').split(/, then per item: /)
    const phrases = (text: string | undefined) => text?.split(', ').length ?? 0
    expect(reply).toHaveLength(phrases(once) + 2 * phrases(perItem))
  })
})

test('a header that has rotted would be found out', () => {
  const { args } = sent.ccFill as Sent
  const text = header(readFileSync(new URL('fill.lua', folder), 'utf8'), 'ARGV')
  expect(() => checkList(text.replace('value ms, stamp ms', 'stamp ms, value ms'), ARGV, args, 0)).toThrow()
  expect(() => checkList(text.replace(', channel', ''), ARGV, args, 0)).toThrow()
  expect(() => checkList(`${text}, settings`, ARGV, args, 0)).toThrow()
})
