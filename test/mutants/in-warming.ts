import { type CaughtByTest, type Mutant, tested } from './mutant.ts'

/** One case of the suite that every store passes; one client and one partition are enough to see a mutant. */
const conformance = (only: string): CaughtByTest => ({
  test: 'test/stores/redis.test.ts',
  only: `ioredis 6, 1 partition ${only}`,
})
const schedules = (only: string): CaughtByTest => ({ test: 'test/warming/schedules.test.ts', only })
const orders = (only: string): CaughtByTest => ({ test: 'test/warming/leadership-schedules.test.ts', only })

const LEAD = 'stores/lua/lead.lua'
const RECORD = 'stores/lua/record.lua'
const BOOK = 'core/lead-book.ts'
const LEADERSHIP = 'warming/leadership.ts'
const SCHEDULER = 'warming/scheduler.ts'

/** The guards of leadership: one process runs the fleet's schedules, and one that was paused writes nothing. */
export const inWarming: readonly Mutant[] = [
  tested(
    'Redis: a lead that another has is taken',
    'warming, one process leads',
    conformance('lead_vacant_isTaken'),
    LEAD,
    "elseif holder == ARGV[1] or holder == '' or ends <= time then",
    'else',
  ),
  tested(
    'Redis: a new term has the fence of the last',
    'warming, each term has a greater fence',
    conformance('lead_lapsed_fallsToTheNext'),
    LEAD,
    'if holder ~= ARGV[1] then fence = math.max(fence + 1, time) end',
    'if fence == 0 then fence = time end',
  ),
  tested(
    'Redis: fences begin again with the data',
    'warming, each term has a greater fence',
    conformance('lead_afterTheStoreLostEverything'),
    LEAD,
    'math.max(fence + 1, time)',
    'fence + 1',
  ),
  tested(
    'Redis: anybody writes what only a leader may',
    'warming, what a former leader writes is refused',
    conformance('record_byALeaderThatWasPaused'),
    RECORD,
    "if ARGV[1] ~= '' and not (",
    'if false and not (',
  ),
  tested(
    'Redis: a term that has ended still writes',
    'warming, what a former leader writes is refused',
    conformance('record_byALeaderThatWasPaused'),
    RECORD,
    "known[3] == ARGV[2] and (tonumber(known[2] or '') or 0) > now()",
    'known[3] == ARGV[2]',
  ),
  tested(
    'Redis: a term writes for a later one of its holder',
    'warming, what a former leader writes is refused',
    conformance('record_ofAFormerTerm'),
    RECORD,
    "known[3] == ARGV[2] and (tonumber(known[2] or '') or 0) > now()",
    "(tonumber(known[2] or '') or 0) > now()",
  ),
  tested(
    'the book lets a former leader write',
    'warming, what a former leader writes is refused',
    orders('whoeverIsPaused'),
    BOOK,
    'if (term !== undefined && !this.#leads(office, term)) return',
    'if (term === undefined && !this.#leads(office, { holder: "", fence: 0 })) return',
  ),
  tested(
    'a term counts from the answer',
    'warming, a term ends here before it ends in the store',
    orders('whateverTheOrder'),
    LEADERSHIP,
    'if (reply.held) this.#hold(reply.fence, sentAt)',
    'if (reply.held) this.#hold(reply.fence, clock.monotonic())',
  ),
  tested(
    'a term has no end but the store’s word',
    'warming, a term ends here before it ends in the store',
    orders('whateverTheOrder'),
    LEADERSHIP,
    'held: () => !ending.signal.aborted && clock.monotonic() < term.until,',
    'held: () => !ending.signal.aborted,',
  ),
  tested(
    'a run outlives its term',
    'warming, the end of a term stops its runs',
    schedules('whoseClockWentOn'),
    SCHEDULER,
    "if (this.#term.held()) this.#term.signal.addEventListener('abort', stop)",
    'if (this.#term.held()) this.#term.signal.throwIfAborted()',
  ),
  tested(
    'a run is put on record without its term',
    'warming, what a former leader writes is refused',
    schedules('leadsNoMore'),
    SCHEDULER,
    'entries: new Map(entries), term: { holder, fence } })',
    'entries: new Map(entries), ...(holder === "" && { term: { holder, fence } }) })',
  ),
]
