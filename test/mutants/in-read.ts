import { type CaughtByTest, type Mutant, mutant, tested, testedMutants } from './mutant.ts'

const READER = 'read/reader.ts'
const JOINING = 'read/joining.ts'
const FETCH = 'read/fetch.ts'
const UNKEPT = 'read/unkept-reloads.ts'
const KEEPER = 'read/keeper.ts'
const unkept = (only: string): CaughtByTest => ({ test: 'test/read/reload-unkept.test.ts', only })

/** Who may share what, and who must ask. */
export const inReader: readonly Mutant[] = [
  mutant(
    'a memory hit does not look at the lease',
    '6, no lease: memory is bypassed',
    READER,
    'if (now >= lease.until || memory?.isLive(entry) !== true) return undefined',
    'if (memory?.isLive(entry) !== true) return undefined',
    { shape: 'lease' },
  ),
  mutant(
    'a memory hit does not look at the vector',
    '4.1, memory: the vector is the local table’s',
    READER,
    'if (now >= lease.until || memory?.isLive(entry) !== true) return undefined',
    'if (now >= lease.until) return undefined',
  ),
  mutant(
    'a read joins a load that was touched',
    '4.5 ⚑ never joins a load whose vector or key was voided',
    JOINING,
    'if (flight.aborted || !stamps.intact(flight.reservation) || (flight.underLock && flight.loading))',
    'if (flight.aborted || (flight.underLock && flight.loading))',
  ),
  mutant(
    'a read joins a running load under a soft lock',
    '4.5 ⚑ under a soft lock: only a load that starts after the read began',
    JOINING,
    'if (flight.aborted || !stamps.intact(flight.reservation) || (flight.underLock && flight.loading))',
    'if (flight.aborted || !stamps.intact(flight.reservation))',
    { mode: 'strict', shape: 'locks' },
  ),
  tested(
    'a read without lease joins a load of any age',
    '4.5 ⚑ without lease only loads younger than T',
    { test: 'test/journeys/join-older-load.test.ts', only: 'withoutALease' },
    JOINING,
    'if (!heard && (strict || now - flight.beganAt >= maxStalenessMs)) return undefined',
    '',
  ),
  mutant(
    'a strict read without lease joins a load',
    '8, strict: who holds no lease is not waited for',
    JOINING,
    'if (!heard && (strict || now - flight.beganAt >= maxStalenessMs)) return undefined',
    'if (!heard && now - flight.beganAt >= maxStalenessMs) return undefined',
    { mode: 'strict', shape: 'cold' },
  ),
  tested(
    'what is kept is kept under the plan of before',
    '2, a vector names all stamps that this process’s map wants',
    { test: 'test/coherence/coherence-off.test.ts', only: 'itsLoadIsKeptUnderTheNewRule' },
    JOINING,
    'const plan = plans.of(request.plan.key)',
    'const { plan } = request',
  ),
  tested(
    'a reload joins any load',
    'reload: loads anew',
    { test: 'test/journeys/join-older-load.test.ts', only: 'reload_doesNotShareALoadThatRuns' },
    JOINING,
    "if (request.wishes.freshness === 'reload' && (flight.loading || !flight.reload)) return undefined",
    '',
  ),
  mutant(
    'a nested read is answered from memory',
    '4.6 ⚑ a get inside another loader is committed',
    JOINING,
    "if (wishes.freshness !== 'bounded' || frame?.kind === 'load') return true",
    "if (wishes.freshness !== 'bounded') return true",
  ),
  mutant(
    'a committed read is answered from memory',
    '4.3 ⚑ only a full reply may decide a committed read',
    JOINING,
    "if (wishes.freshness !== 'bounded' || frame?.kind === 'load') return true",
    "if (wishes.freshness === 'reload' || frame?.kind === 'load') return true",
  ),
  mutant(
    'a token is not looked at',
    '9, tokens: heard that far or committed',
    JOINING,
    'return partition === own && !subscription.reached(epoch, sequence)',
    'return false',
    { shape: 'queue' },
  ),
  tested(
    'a session forgets what it gathered while the store answered',
    '9, tokens: what has outlived the store’s data heals by an answer, nothing else does',
    { test: 'test/journeys/session-heals.test.ts', only: 'while the reply is on its way' },
    'read/session.ts',
    'if (gathered === before) token = healedToken(',
    'token = healedToken(',
  ),
  tested(
    'an answer of one partition heals a session’s token for all',
    '9, tokens: what has outlived the store’s data heals by an answer, nothing else does',
    { test: 'test/journeys/session-heals.test.ts', only: 'in partitions a token heals one by one' },
    'coherence/bounded-store.ts',
    '    partitions: store.partitions,\n',
    '',
  ),
  mutant(
    'a token of a queued change is answered from the cache',
    '9, tokens: of a queued change, from the primary',
    READER,
    'if (shared && isUncached(wishes, frame)) return true',
    '',
    { mode: 'bounded', shape: 'queue' },
  ),
  mutant(
    'what is nested in a read with such a token is answered from the cache',
    '9, tokens: of a queued change, from the primary',
    READER,
    "return token?.queued === true || (frame?.kind === 'load' && frame.uncached === true)",
    'return token?.queued === true',
    { mode: 'bounded', shape: 'owed' },
  ),
  mutant(
    'a unit that has written reads from the cache',
    '4.7 ⚑ answers from the cache only while nothing is written',
    READER,
    'const held = unit.untouched ? this.recall(request) : undefined',
    'const held = this.recall(request)',
  ),
  mutant(
    'a read inside a unit fills',
    '4.7 ⚑ a read inside a unit fills no tier',
    READER,
    'if (unit !== undefined) return this.#insideUnit(request, unit, load)',
    'if (unit?.untouched === true) return this.#insideUnit(request, unit, load)',
  ),
]

/** What is past its lifetime is never void. */
export const inReserve: readonly Mutant[] = [
  tested(
    'what was touched during the load is answered as stale',
    '4.8, staleIfError and soft timeouts never serve a void vector',
    { test: 'test/read/stale-from-the-store.test.ts', only: 'a void value' },
    JOINING,
    '    if (!stamps.intact(flight.reservation)) return undefined\n',
    '',
  ),
  mutant(
    'memory gives what is void as stale',
    '4.8, staleIfError and soft timeouts never serve a void vector',
    READER,
    `    if (memory?.isLive(entry) !== true) {
      memory?.delete(plan.key)
      return { verdict: 'none', missed: 'invalidated' }
    }
`,
    '',
    { shape: 'refresh' },
  ),
  tested(
    'an expired value in the store is loaded by everybody who finds it',
    '4.5, one load per key in the fleet',
    { test: 'test/read/stale-from-the-store.test.ts', only: 'one load in the fleet' },
    FETCH,
    'const takeOver = flight.reload || flight.doomed',
    'const takeOver = beside || flight.reload || flight.doomed',
  ),
  tested(
    'a refresh ahead loads what another process has already replaced',
    '4.5, one load per key in the fleet',
    { test: 'test/read/refresh-ahead.test.ts', only: 'refreshed already is taken' },
    FETCH,
    "flight.aheadOf === opened.etag && result.claim === 'granted'",
    "flight.aheadOf !== undefined && result.claim === 'granted'",
  ),
  tested(
    'a refresh ahead loads beside another process',
    '4.5, one load per key in the fleet',
    { test: 'test/read/refresh-ahead.test.ts', only: 'one process loads' },
    FETCH,
    "flight.aheadOf === opened.etag && result.claim === 'granted'",
    'flight.aheadOf === opened.etag',
  ),
]

/** The trip to the store, and what is kept of it. */
export const inFetch: readonly Mutant[] = [
  mutant(
    'a plain GET decides a committed read',
    '4.3 ⚑ only a full reply may decide a committed read',
    READER,
    'return token === undefined && !this.joining.asksStore(request)',
    'return token === undefined',
    { mode: 'bounded', shape: 'store' },
  ),
  tested(
    'a load is shared without its claim',
    '4.5 ⚑ a committed read joins only with the load’s nonce in the claim',
    { test: 'test/journeys/committed-read-beside-an-older-load.test.ts', only: 'itsKeyWasNamed' },
    FETCH,
    'if (leader === undefined || leader === flight || leader.nonce !== holder || flight.reload) return false',
    'if (leader === undefined || leader === flight || flight.reload) return false',
  ),
  testedMutants(
    'a load is shared under another vector',
    '4.5 ⚑ a committed read joins only with the load’s vector current',
    { test: 'test/journeys/committed-read-beside-an-older-load.test.ts', only: 'itsRowWasWritten' },
    [
      {
        file: FETCH,
        find: 'if (leader.aborted || leader.dependsOn(flight) || leader.tokens?.join() !== tokens.join()) return false',
        replace: 'if (leader.aborted || leader.dependsOn(flight)) return false',
      },
      {
        file: 'stores/memory-session.ts',
        find: "const holds = held !== undefined && complete && held.vector === current.join('')",
        replace: 'const holds = held !== undefined',
      },
    ],
  ),
  tested(
    'a reload that is not kept leaves what it was to replace',
    '5, set and reload replace the value',
    unkept('leaves nothing older'),
    UNKEPT,
    'await discard([plan.key])',
    'void discard',
  ),
  tested(
    'a reload that was overtaken takes what came after it out of memory',
    '5, mark takes the claim over, set is its fill',
    { test: 'test/journeys/join-older-load.test.ts' },
    UNKEPT,
    'if (!touched) memory?.delete(plan.key)',
    'memory?.delete(plan.key)',
  ),
  tested(
    'a reload that nobody has overtaken leaves what it was to replace',
    '5, set and reload replace the value',
    unkept('lost its claim to nobody'),
    UNKEPT,
    "refused === 'invalidated' && (!unclaimed || touched)",
    "refused === 'invalidated'",
  ),
  tested(
    'a reload that a fill by hand overtakes voids what that is to fill',
    '5, mark takes the claim over, set is its fill',
    unkept('a fill by hand of its own overtakes'),
    UNKEPT,
    '(superseded || leads || touched)',
    '(leads || touched)',
  ),
  tested(
    'a reload of what cannot be read leaves what it was to replace',
    '5, set and reload replace the value',
    unkept('its partition cannot be read'),
    UNKEPT,
    "(refused === 'locked' && epoch !== '')",
    "refused === 'locked'",
  ),
  tested(
    'a reload that keeps nothing leaves what it was to replace',
    '5, set and reload replace the value',
    unkept('leaves nothing older'),
    UNKEPT,
    'await discard(reloaded.map(({ plan }) => plan.key))',
    'void discard',
  ),
  tested(
    'a reload inside a unit voids what it was to replace',
    '4.7 ⚑ a read inside a unit fills nothing',
    unkept('inside a unit'),
    UNKEPT,
    'if (reloaded.length === 0 || closed() || units.unit() !== undefined) return',
    'if (reloaded.length === 0 || closed()) return',
  ),
  mutant(
    'the vector is taken after the load',
    '4.4, the vector is captured before the load',
    KEEPER,
    '    const { plan, reservation, tokens, epoch } = flight',
    `    if (flight.tokens !== undefined) {
      const { key, shard, stamps } = flight.plan
      const reply = await this.#room.store.read([{ key, shard, stamps }]).catch(() => undefined)
      const late = reply?.results[0]?.tokens
      if (late?.every((token) => token !== '')) flight.tokens = late
    }
    const { plan, reservation, tokens, epoch } = flight`,
  ),
  testedMutants(
    'memory keeps what a reload has replaced',
    '5, set and reload replace the value',
    { test: 'test/journeys/reload-without-a-lease.test.ts' },
    [
      { file: KEEPER, find: 'if (flight.reload) this.#room.memory?.delete(plan.key)', replace: '' },
      {
        file: KEEPER,
        find: 'if (before !== undefined && before.loadedAt < loadedAt) memory?.delete(key)',
        replace: '',
      },
    ],
  ),
  mutant(
    'memory takes what the store has refused',
    '4.4, a refused fill fills no tier',
    KEEPER,
    "      if (!filled.stored) return this.#refuse(flight, loaded, loadedAt, 'invalidated')\n",
    '',
    { mode: 'bounded', shape: 'replaced' },
  ),
  tested(
    'a reload is not waited for',
    '8, strict: every set waits before it resolves',
    { test: 'test/journeys/strict-reload.test.ts', only: 'is answered once the others have heard' },
    KEEPER,
    '      await filled.heard\n',
    '',
  ),
]
