import fc from 'fast-check'
import { isCacheError } from '../../../src/core/errors.ts'
import { isLogPosition } from '../../../src/core/load-source.ts'
import type { ReadItem } from '../../../src/core/store.ts'
import { withChecksum } from '../../../src/stores/redis/checksum.ts'
import { Layout } from '../../../src/stores/redis/layout.ts'
import { Scripts } from '../../../src/stores/redis/scripts.ts'
import { checked, type FuzzTarget, must } from '../target.ts'

const TOKEN = Buffer.from('AAAAAAAAAAAAAAAA')
const EPOCH = Buffer.from('epoch-1234567890')
const ENTRY = Buffer.from('an entry')
const VALUE = Buffer.from(withChecksum(ENTRY))
const NAMES = ['|map|x', '|', 'a:{id}']
const NONE = Buffer.alloc(0)
const READ = Buffer.from(`${EPOCH}${'A'.repeat(16 * NAMES.length)}:5:2`)
const HELD = Buffer.from('1,2,AAAAAAAAAAAAAAAA,00000001/0000002A')

/** What each script answers when all is well. */
const ANSWERS = {
  read: [READ, VALUE, Buffer.from('0,0,,'), null, HELD],
  fill: [Buffer.from('shop@a')],
  rotate: [EPOCH, 6, [Buffer.from('digest')], [Buffer.from('shop@a')]],
  lock: [EPOCH, 6, [Buffer.from('digest')], 2, [Buffer.from('shop@a')]],
  heartbeat: [EPOCH, 6, 1, TOKEN, NONE],
  register: [EPOCH, 6, NONE],
} as const
type Script = keyof typeof ANSWERS

const other = fc.constantFrom<unknown>(
  ...[null, undefined, 0, 1, 2, 3, -1, 1.5, Number.NaN, 2 ** 60, true, false, '', 'text', 7n],
  ...[[], [[]], {}, NONE, Buffer.from('1'), Buffer.from('x'), Buffer.from('3,9,x,y,z'), TOKEN, HELD, VALUE],
  ...[new Error('ERR'), new Map()],
)
const damaged = fc
  .record({
    script: fc.constantFrom<Script>('read', 'fill', 'rotate', 'lock', 'heartbeat', 'register'),
    edits: fc.array(
      fc.record({ path: fc.array(fc.nat({ max: 7 }), { maxLength: 2 }), other, drop: fc.boolean() }),
      {
        maxLength: 3,
      },
    ),
  })
  .map(({ script, edits }) => ({
    script,
    reply: edits.reduce<unknown>(
      (reply, { path, other, drop }) => replaced(reply, path, other, drop),
      ANSWERS[script],
    ),
    intact: edits.length === 0,
  }))

/** The reply with another thing in one place of it, or without what comes from there on. */
function replaced(reply: unknown, [at, ...rest]: readonly number[], other: unknown, drop: boolean): unknown {
  if (at === undefined || !Array.isArray(reply)) return other
  if (drop) return reply.slice(0, at)
  return reply.map((one, index) => (index === at % reply.length ? replaced(one, rest, other, false) : one))
}

const layout = new Layout('', 'shop', 'shop', 0)
const map = { digest: 'x', stamp: '|map|x', skeleton: '{}' }
const randomness = { token: () => 'BBBBBBBBBBBBBBBB', fraction: () => 0.5 }
const item = (key: string): ReadItem => ({ key, shard: key, stamps: NAMES, claim: undefined })

/** Scripts over servers that answer so. */
function answering(reply: unknown): Scripts {
  return new Scripts({ run: () => Promise.resolve(reply) }, randomness)
}

/** Replies of Redis to the scripts. */
export const replies: FuzzTarget = {
  name: 'replies',
  parses: 'replies to scripts',
  wrong: 'a reply in another shape than the script gives is taken for one; a value other than the one stored',
  property: checked(damaged, async ({ script, reply, intact }) => {
    try {
      const read = await CHECKS[script](answering(reply))
      must(!intact || read, 'a reply cannot be read')
    } catch (error) {
      must(isCacheError(error, 'STORE_REPLY'), () => `${error instanceof Error ? error.stack : error}`)
      must(!intact, 'a reply is refused')
    }
  }),
  hard: {},
}

const CHECKS: Record<Script, (scripts: Scripts) => Promise<boolean>> = {
  async read(scripts) {
    const read = await scripts.read(layout, 0, map, [item('a'), item('b')], {
      lockMs: 5_000,
      replicaLagMs: 5_000,
    })
    if (read === undefined) return false
    must(read.results.length === 2, 'not every item has a result')
    for (const name of read.expired) must(NAMES.includes(name), () => `${name} has no lock`)
    for (const result of read.results) {
      const { value, tokens, claim, holder, from } = result
      must(value === undefined || value.length === 0 || ENTRY.equals(value), 'another value')
      must(tokens.length === NAMES.length && tokens.every(isTokenOrNone), 'tokens that are none')
      must(['granted', 'held', 'none'].includes(claim), 'no claim')
      const { source, position } = from
      must(source === 'primary' || (source === 'any' && position === undefined), 'no source')
      must(position === undefined || isLogPosition(position), 'no place in a log')
      must(typeof result.voided === 'boolean' && typeof result.strange === 'boolean', 'no judgement')
      must(typeof result.locked === 'boolean' && (holder === undefined || holder.length > 0), 'no holder')
    }
    return true
  },
  async fill(scripts) {
    const request = { key: 'a', shard: 'a', nonce: 'n', epoch: 'e', stamps: NAMES, tokens: [], value: ENTRY }
    const { stored, holders } = await scripts.fill(layout, { ...request, ttlMs: 1, publish: true }, '', {
      holderMs: 1,
      replicaLagMs: 1,
    })
    return typeof stored === 'boolean' && areTexts(holders)
  },
  async rotate(scripts) {
    const { maps, holders } = await scripts.rotate(layout, 0, { stamps: NAMES, places: [], body: '' })
    return areTexts(maps) && areTexts(holders)
  },
  async lock(scripts) {
    const lock = { id: 'lock', ms: 1, holderMs: 1 }
    const { added, maps, holders } = await scripts.lock(layout, 0, NAMES, lock, '')
    must(Number.isSafeInteger(added) && added >= 0, () => `${added} stamps newly locked`)
    return areTexts(maps) && areTexts(holders)
  },
  async heartbeat(scripts) {
    const { position, registration } = await scripts.heartbeat(layout, 0, map, 'p', 1, 's')
    must(Number.isSafeInteger(position.sequence) && position.sequence >= 0, () => `${position.sequence}`)
    return isTokenOrNone(registration)
  },
  async register(scripts) {
    return typeof (await scripts.register(layout, map, 's')) === 'string'
  },
}

function isTokenOrNone(token: unknown): boolean {
  return typeof token === 'string' && (token.length === 0 || token.length === 16)
}

function areTexts(list: readonly unknown[]): true {
  must(
    list.every((one) => typeof one === 'string'),
    'a list of something else than texts',
  )
  return true
}
