import assert from 'node:assert/strict'
import type { LeadReply, Leads } from '../../core/store.ts'
import { newNonce, type Play, type Process } from './bench.ts'

const TITLE = 'schedules'
const TTL_MS = 30_000

function leadsOf({ store }: Process): Leads {
  assert.ok(store.leads !== undefined)
  return store.leads
}

function ask(process: Process, holder: string, ttlMs = TTL_MS): Promise<LeadReply> {
  return leadsOf(process).lead({ title: TITLE, holder, label: process.label, ttlMs })
}

function write(
  process: Process,
  records: Readonly<Record<string, string>>,
  term?: { readonly holder: string; readonly fence: number },
) {
  return leadsOf(process).record({ title: TITLE, entries: new Map(Object.entries(records)), term })
}

/** Leadership among processes, and what is on record. */
export const leadCases = {
  async lead_vacant_isTaken_heldByAnother_isNot(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const [first, second] = [newNonce(), newNonce()]
    const taken = await ask(one, first)
    assert.deepEqual([taken.held, taken.leader], [true, one.label])
    const refused = await ask(other, second)
    assert.deepEqual([refused.held, refused.leader, refused.fence], [false, one.label, taken.fence])
  },

  async lead_fiftyAtOnce_isTakenByOne(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, at) => ask(at % 2 === 0 ? one : other, newNonce())),
    )
    assert.equal(replies.filter(({ held }) => held).length, 1)
  },

  async lead_keptByItsHolder_goesOnUnderItsFence(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const first = newNonce()
    const { fence } = await ask(one, first)
    await bench.pass(20_000)
    assert.deepEqual(await ask(one, first), { held: true, fence, revision: 0, leader: one.label })
    await bench.pass(20_000)
    assert.equal((await ask(other, newNonce())).held, false)
  },

  async lead_lapsed_fallsToTheNext_underAGreaterFence(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const [first, second] = [newNonce(), newNonce()]
    const before = await ask(one, first)
    await bench.pass(TTL_MS + 1)
    assert.equal((await leadsOf(other).records(TITLE)).leader, '')
    const after = await ask(other, second)
    assert.equal(after.held, true)
    assert.ok(after.fence > before.fence)
    assert.deepEqual(await ask(one, first), { ...after, held: false })
  },

  async lead_givenUp_isVacantAtOnce_byOthers_isNot(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const [first, second] = [newNonce(), newNonce()]
    const { fence } = await ask(one, first)
    assert.equal((await ask(other, second, 0)).leader, one.label)
    assert.deepEqual(await ask(one, first, 0), { held: false, fence, revision: 0, leader: '' })
    const next = await ask(other, second)
    assert.ok(next.held && next.fence > fence)
  },

  async lead_afterTheStoreLostEverything_hasAGreaterFence(bench) {
    const one = await bench.join()
    const first = newNonce()
    const before = await ask(one, first)
    await bench.lose()
    await bench.pass(1_000)
    // A real clock has moved on by itself, if only by the next attempt.
    let after = await ask(one, newNonce())
    for (let attempts = 0; after.fence <= before.fence && attempts < 1_000; attempts++) {
      await bench.lose()
      after = await ask(one, newNonce())
    }
    assert.ok(after.fence > before.fence)
    assert.equal(after.held, true)
    assert.equal(after.revision, 0)
  },

  async lead_titles_applications_andNamespaces_areApart(bench) {
    const one = await bench.join()
    const elsewhere = await bench.join({ name: 'other' })
    assert.equal((await ask(one, newNonce())).held, true)
    const second = { title: 'another', holder: newNonce(), label: one.label, ttlMs: TTL_MS }
    assert.equal((await leadsOf(one).lead(second)).held, true)
    assert.equal((await ask(elsewhere, newNonce())).held, true)
  },

  async record_isRead_byAll_andRemoved(bench) {
    const one = await bench.join()
    const other = await bench.join()
    assert.deepEqual(await leadsOf(one).records(TITLE), { revision: 0, leader: '', entries: new Map() })
    const text = '{"ü":"日","n":1}'
    assert.deepEqual(await write(one, { a: text, b: 'two' }), { written: true, revision: 1 })
    assert.deepEqual(await leadsOf(other).records(TITLE), {
      revision: 1,
      leader: '',
      entries: new Map([
        ['a', text],
        ['b', 'two'],
      ]),
    })
    assert.deepEqual(await write(other, { a: '', c: 'three' }), { written: true, revision: 2 })
    const { entries } = await leadsOf(one).records(TITLE, 1)
    assert.deepEqual(Object.fromEntries(entries ?? []), { b: 'two', c: 'three' })
    assert.deepEqual(await leadsOf(one).records(TITLE, 2), { revision: 2, leader: '', entries: undefined })
  },

  async record_byTheLeader_isWritten(bench) {
    const one = await bench.join()
    const holder = newNonce()
    const { fence } = await ask(one, holder)
    assert.deepEqual(await write(one, { a: 'one' }, { holder, fence }), { written: true, revision: 1 })
    assert.equal((await ask(one, holder)).revision, 1)
  },

  async record_byALeaderThatWasPaused_isRefused(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const [first, second] = [newNonce(), newNonce()]
    const before = await ask(one, first)
    const late = { holder: first, fence: before.fence }
    await bench.pass(TTL_MS + 1)
    assert.equal((await write(one, { a: 'late' }, late)).written, false)
    const { fence } = await ask(other, second)
    assert.equal((await write(one, { a: 'late' }, late)).written, false)
    assert.equal((await write(one, { a: 'late' }, { holder: first, fence })).written, false)
    assert.equal((await write(other, { a: 'mine' }, { holder: second, fence })).written, true)
    const { entries } = await leadsOf(one).records(TITLE)
    assert.deepEqual(Object.fromEntries(entries ?? []), { a: 'mine' })
  },

  async record_ofAFormerTermOfTheSameHolder_isRefused(bench) {
    const one = await bench.join()
    const other = await bench.join()
    const [first, second] = [newNonce(), newNonce()]
    const before = await ask(one, first)
    await ask(one, first, 0)
    await ask(other, second)
    await ask(other, second, 0)
    const after = await ask(one, first)
    assert.ok(after.fence > before.fence)
    assert.equal((await write(one, { a: 'late' }, { holder: first, fence: before.fence })).written, false)
    assert.equal((await write(one, { a: 'now' }, { holder: first, fence: after.fence })).written, true)
  },
} satisfies Record<string, Play>
