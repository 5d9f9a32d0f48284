import { type Mutant, mutant, mutants, tested } from './mutant.ts'

const TABLE = 'coherence/stamp-table.ts'
const LOG = 'coherence/reservations.ts'
const HEARD = 'coherence/subscription.ts'
const BEAT = 'coherence/heartbeat.ts'
const GATE = 'coherence/store-gate.ts'

/** The stamp table, reservations and the memory tier. */
export const inStampTable: readonly Mutant[] = [
  mutant(
    'a touched fill counts as intact',
    '4, local stamp table: any touch revokes a reservation',
    TABLE,
    'return this.#touched.intact(reservation) && !this.blocked(reservation.key, reservation.stamps)',
    'return !this.blocked(reservation.key, reservation.stamps)',
  ),
  tested(
    'a blocked fill counts as intact',
    '4, local stamp table: a stamp being rotated blocks fills',
    { test: 'test/journeys/read-beside-its-own-prepare.test.ts' },
    TABLE,
    'return this.#touched.intact(reservation) && !this.blocked(reservation.key, reservation.stamps)',
    'return this.#touched.intact(reservation)',
  ),
  mutant(
    'blocking does not touch',
    '4, local stamp table: own rotations remove stamps',
    TABLE,
    `    if (everyKey) this.#blockedAll++
    this.touch(stamps, keys)`,
    '    if (everyKey) this.#blockedAll++',
  ),
  mutant(
    'unblocking does not touch',
    '4, local stamp table: what was read during a rotation is not kept',
    TABLE,
    `before the rotation.
    this.touch(stamps, keys)`,
    'before the rotation.',
    { mode: 'bounded', shape: 'home' },
  ),
  tested(
    'stamps are not blocked',
    '4, local stamp table: a stamp being rotated blocks hits and fills',
    { test: 'test/journeys/read-beside-its-own-prepare.test.ts', only: 'by_a row' },
    TABLE,
    'for (const name of stamps) this.#blockedStamps.set(name, (this.#blockedStamps.get(name) ?? 0) + 1)',
    '',
  ),
  mutant(
    'keys are not blocked',
    '5, key invalidation: nothing is answered meanwhile',
    TABLE,
    'for (const key of keys) this.#blockedKeys.set(key, (this.#blockedKeys.get(key) ?? 0) + 1)',
    '',
    { mode: 'bounded', shape: 'home' },
  ),
  mutant(
    'an ad-hoc pattern blocks nothing',
    '2, ad-hoc patterns',
    TABLE,
    'if (everyKey) this.#blockedAll++',
    '',
  ),
  mutant(
    'memory takes a revoked fill',
    '4, local stamp table: filling memory needs a reservation',
    TABLE,
    'if (!this.intact(reservation)) return undefined',
    '',
  ),
  tested(
    'a flush revokes no fill',
    '4, local stamp table: flushes revoke reservations',
    { test: 'test/journeys/reply-from-before-a-gap.test.ts' },
    TABLE,
    `    this.#idle = new IdleList()
    this.#touched.everything()`,
    '    this.#idle = new IdleList()',
  ),
  mutant(
    'a message revokes no fill by its stamps',
    '4, local stamp table: any touch revokes a reservation',
    TABLE,
    'this.#touched.stamp(name)',
    '',
  ),
  mutant(
    'a message revokes no fill by its keys',
    '5, key invalidation: running loads are fenced',
    TABLE,
    'for (const key of keys) this.#touched.key(key)',
    '',
    { mode: 'bounded', shape: 'named' },
  ),
  mutant(
    'a message ends no generation',
    '4, local stamp table: messages remove stamps',
    TABLE,
    'for (const known of this.#current.values()) this.#end(known, name)',
    '',
  ),
  mutant(
    'a flush ends no generation',
    '4, local stamp table: flushes remove stamps',
    TABLE,
    'if (at.checkedAt < this.#flushedAt || !at.last.live) return false',
    'if (!at.last.live) return false',
  ),
  mutant(
    'memory answers under an ended generation',
    '4.1, memory: the vector is the local table’s',
    TABLE,
    'if (at.checkedAt < this.#flushedAt || !at.last.live) return false',
    'if (at.checkedAt < this.#flushedAt) return false',
  ),
  tested(
    'a flush is forgotten by the log',
    '4, local stamp table: flushes revoke reservations',
    { test: 'test/journeys/reply-from-before-a-gap.test.ts' },
    LOG,
    'if (since <= this.#floor) return false',
    '',
  ),
]

/** The subscription, the lease and the gate. */
export const inHearing: readonly Mutant[] = [
  mutant(
    'a gap is overlooked',
    '6, a gap: flush',
    HEARD,
    'if (!next && known !== undefined) this.flush(',
    'if (!next && known === undefined) this.flush(',
    { shape: 'lease' },
  ),
  tested(
    'another epoch in a message is overlooked',
    '6 ⚑ another id: flush',
    { test: 'test/journeys/failover-without-a-word.test.ts' },
    HEARD,
    'const next = known?.epoch === epoch && sequence === known.sequence + 1',
    'const next = known !== undefined && (known.epoch !== epoch || sequence === known.sequence + 1)',
  ),
  mutant(
    'messages of others are taken for own echoes',
    '4, local stamp table: messages remove stamps',
    HEARD,
    'if (message.cause === undefined || !this.#own.has(message.cause.id)) {',
    'if (message.cause === undefined) {',
  ),
  mutant(
    'a key that was named stays in memory',
    '5, key invalidation: memories hear of it',
    HEARD,
    'for (const key of message.keys) memory?.delete(key)',
    '',
    { mode: 'bounded', shape: 'named' },
  ),
  mutant(
    'an ad-hoc pattern is not heard',
    '2, ad-hoc patterns: the message last',
    HEARD,
    "if (message.everyKey) this.flush('an ad-hoc pattern')",
    '',
  ),
  mutant(
    'lost messages are adopted without a flush',
    '6, not reached within T/4: flush, adopt',
    HEARD,
    `    this.flush('a lost message or another epoch')
    for (const position`,
    '    for (const position',
    { shape: 'lease' },
  ),
  mutant(
    'a registration that came back is overlooked',
    '3 ⚑ a registration is a stamp',
    HEARD,
    "this.flush('a lapsed registration')",
    '{}',
    { shape: 'maps' },
  ),
  mutant(
    'the lease is granted before all has been heard',
    '6, granted once the heard sequence has reached the returned one',
    HEARD,
    'if (this.#all(positions)) return Promise.resolve(true)',
    'if (this.#subscribed) return Promise.resolve(true)',
    { shape: 'lease' },
  ),
  mutant(
    'a token counts as reached in its epoch',
    '9, tokens: heard that far',
    HEARD,
    'return position.sequence >= sequence',
    'return true',
    { shape: 'queue' },
  ),
  tested(
    'the lease counts from the answer',
    '6, the lease counts from the sending',
    { test: 'test/coherence/heartbeat.test.ts', only: 'forTFromTheSending' },
    BEAT,
    'await this.#hear(reply, sentAt + maxStalenessMs, term)',
    'await this.#hear(reply, clock.monotonic() + maxStalenessMs, term)',
  ),
  mutant(
    'a process that has not heard in time adopts nothing',
    '6, not reached within T/4: flush, adopt',
    BEAT,
    'subscription.adopt(positions)',
    '',
    { shape: 'lease' },
  ),
  mutant(
    'a lease never ends',
    '6, no lease: memory is bypassed',
    'coherence/lease.ts',
    'return now < this.until',
    'return this.until > 0',
    { shape: 'lease' },
  ),
  tested(
    'what is queued is not replayed before the store is trusted',
    '8, replayed before this process trusts the store again',
    { test: 'test/journeys/read-while-the-queue-is-told.test.ts' },
    GATE,
    'for (let told = await replay(this.#store); told > 0; told = await replay(this.#store)) replayed += told',
    'void replay(this.#store).then((told) => { replayed = told }, () => {})',
  ),
  mutant(
    'a store that is away is asked all the same',
    '8, replayed before this process trusts the store again',
    GATE,
    `    if (this.#state !== 'up') return Promise.reject(refused())
    const era`,
    '    const era',
    { mode: 'bounded', shape: 'queue' },
  ),
  mutants(
    'a lost subscription is overlooked',
    '4 ⚑, disconnects remove stamps; 6, disconnect: flush',
    [
      {
        file: HEARD,
        find: `    this.#subscribed = false
    this.#heard.lease.lose()
    this.flush(reason)`,
        replace: '    this.#subscribed = false',
      },
      { file: HEARD, find: "    this.flush('subscribed')\n", replace: '' },
    ],
    { mode: 'bounded', shape: 'lease' },
  ),
  tested(
    'a change of the last while is not told again',
    '7 ⚑ changes of the last failoverWindow are replayed at the first sight of a new epoch',
    { test: 'test/write/failover-window.test.ts', only: 'that only the old primary heard' },
    'create-cache.ts',
    'onNewEpoch: () => committer.recall(),',
    'onNewEpoch: () => false,',
  ),
  tested(
    'a store in a new epoch is believed before it has been told',
    '7 ⚑ before it trusts the store again',
    { test: 'test/write/failover-window.test.ts', only: 'never reads behind it' },
    'coherence/store-gate.ts',
    '    if (era === this.#era) return reply\n    undo(reply)',
    '    if (era >= 0) return reply\n    undo(reply)',
  ),
  tested(
    'a change under way is not among those of the last while',
    '7 ⚑ changes of the last failoverWindow are replayed at the first sight of a new epoch',
    { test: 'test/write/failover-window.test.ts', only: 'still waits for others to hear' },
    'write/recent-changes.ts',
    '    for (const change of this.#underWay) queue.add(change)\n',
    '',
  ),
]
