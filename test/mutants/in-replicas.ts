import { type CaughtByTest, type Mutant, mutant, tested } from './mutant.ts'

const REDIS: CaughtByTest = { test: 'test/stores/redis-replicas.test.ts' }
const LOADS: CaughtByTest = { test: 'test/read/load-source.test.ts' }
const POSTGRES: CaughtByTest = { test: 'test/databases-room/pg-replica.test.ts' }
const conformance = (only: string): CaughtByTest => ({
  test: 'test/stores/redis.test.ts',
  only: `ioredis 6, 1 partition ${only}`,
})

const RECENT = 'stores/lua/recent.lua'
const READ = 'stores/lua/read.lua'
const FETCH = 'read/fetch.ts'
const READER = 'read/reader.ts'
const JOINING = 'read/joining.ts'
const LATELY = '9, replicas: rotated less than replicaLag ago: primary'
const PLACE = '9, replicas: a place in the log may allow a replica'

/** Loads from replicas that lag. */
export const inReplicas: readonly Mutant[] = [
  tested(
    'replicas: a load asks nobody from where it may read',
    LATELY,
    POSTGRES,
    FETCH,
    'return this.#room.replicaLagMs === 0 ? ANY_SOURCE : newestSource([from, wanted])',
    'return this.#room.replicaLagMs >= 0 ? ANY_SOURCE : newestSource([from, wanted])',
  ),
  mutant(
    'replicas: every load is from any, as schedules show it',
    LATELY,
    FETCH,
    'return this.#room.replicaLagMs === 0 ? ANY_SOURCE : newestSource([from, wanted])',
    'return this.#room.replicaLagMs >= 0 ? ANY_SOURCE : newestSource([from, wanted])',
    { shape: 'replica' },
  ),
  mutant(
    'replicas: a place in the log stands for none',
    PLACE,
    'stores/recent-rotations.ts',
    'untoldAt: position === undefined ? now : (before?.untoldAt ?? Number.NEGATIVE_INFINITY),',
    'untoldAt: Number.NEGATIVE_INFINITY,',
    { shape: 'replica' },
  ),
  mutant(
    'replicas: what has replaced a value is not noted',
    LATELY,
    'stores/memory-session.ts',
    'if (publish) namespace.noteRotated([keyStamp(key)], this.#session.replicaLagMs, undefined)',
    '',
    { shape: 'replica' },
  ),
  tested(
    'replicas: a store that is away allows any',
    LATELY,
    LOADS,
    FETCH,
    'from = PRIMARY_SOURCE, wanted }',
    'from = ANY_SOURCE, wanted }',
  ),
  tested(
    'replicas: a reload is from any',
    LATELY,
    LOADS,
    JOINING,
    "if (freshness === 'reload' || token?.readable === false) return PRIMARY_SOURCE",
    'if (token?.readable === false) return PRIMARY_SOURCE',
  ),
  tested(
    'replicas: what goes past the cache is from any',
    LATELY,
    LOADS,
    READER,
    'const unsure = this.#room.replicaLagMs > 0 || frame',
    'const unsure = frame',
  ),
  tested(
    'replicas: a token names no place',
    PLACE,
    LOADS,
    JOINING,
    "return token?.position === undefined ? ANY_SOURCE : { source: 'primary', position: token.position }",
    'return ANY_SOURCE',
  ),
  tested(
    'replicas: a key has no stamp of its own',
    LATELY,
    LOADS,
    'write/committer.ts',
    'const own = this.#room.locks || this.#room.replicas',
    'const own = this.#room.locks',
  ),
  tested(
    'replicas: with coherence off a key has no stamp of its own',
    LATELY,
    LOADS,
    'coherence/plans.ts',
    'return stamps.filter((name) => name === ROOT || name === keyStamp(key))',
    'return stamps.filter((name) => name === ROOT || (name === keyStamp(key) && key === name))',
  ),
  tested(
    'replicas: memory alone trusts what was before it',
    LATELY,
    LOADS,
    'stores/recent-rotations.ts',
    'if (this.#since > oldest) return PRIMARY_SOURCE',
    '',
  ),
  tested(
    'replicas: after a failover the notes of the old primary are believed',
    LATELY,
    LOADS,
    'stores/memory-state.ts',
    'if (lagMs > 0 && now < known + lagMs) return PRIMARY_SOURCE',
    '',
  ),
  tested(
    'Redis: a rotation is not noted',
    LATELY,
    conformance('source_ofWhatWasRotatedLately_isThePrimary'),
    'stores/lua/rotate.lua',
    'if lag > 0 and count > 0 then',
    'if lag < 0 and count > 0 then',
  ),
  tested(
    'Redis: what has replaced a value is not noted',
    LATELY,
    conformance('source_ofAKeyWhoseValueWasReplaced'),
    'stores/lua/fill.lua',
    'if lag > 0 then note_rotated(',
    'if lag < 0 then note_rotated(',
  ),
  tested(
    'Redis: a sweep is not noted',
    LATELY,
    conformance('source_afterASweep_isThePrimary'),
    'stores/redis/store.ts',
    'if (this.#session.replicaLagMs > 0) {',
    'if (this.#session.replicaLagMs < 0) {',
  ),
  tested(
    'Redis: notes are believed across epochs',
    LATELY,
    REDIS,
    READ,
    'if time < (born or 0) + lag or time < registered_at + lag then sources = nil end',
    'if time < registered_at + lag then sources = nil end',
  ),
  tested(
    'Redis: what a new map hangs on counts as never rotated',
    LATELY,
    conformance('source_forAMapThatWasJustRegistered'),
    READ,
    'if time < (born or 0) + lag or time < registered_at + lag then sources = nil end',
    'if time < (born or 0) + lag then sources = nil end',
  ),
  tested(
    'Redis: notes that were lost count as none',
    LATELY,
    REDIS,
    RECENT,
    'if (tonumber(heads[1]) or time) > oldest then',
    'if not heads[1] then',
  ),
  tested(
    'Redis: older notes that were lost count as none',
    LATELY,
    REDIS,
    RECENT,
    "if type(since) ~= 'string' or since ~= heads[2] or (tonumber(since) or time) > oldest then return nil end",
    '',
  ),
  tested(
    'Redis: older notes are not looked at',
    LATELY,
    conformance('source_isRemembered'),
    RECENT,
    'for _, hash in ipairs({ recent, before }) do',
    'for _, hash in ipairs({ recent }) do',
  ),
  tested(
    'Redis: a place stands for a rotation without one',
    PLACE,
    conformance('position_isNotKnown_whileARotationWithoutOneIsRecent'),
    RECENT,
    "if position == '' then untold = time end",
    '',
  ),
  tested(
    'Redis: the place told last stands for the furthest',
    PLACE,
    conformance('position_isTheFurthest'),
    RECENT,
    'time, untold, later(furthest, position))',
    'time, untold, position)',
  ),
  tested(
    'replicas: a replica is not asked how far it is',
    PLACE,
    POSTGRES,
    'databases/postgres/replica.ts',
    'if (position !== undefined && !(await this.#hasReached(client, position))) return undefined',
    '',
  ),
  tested(
    'replicas: a place is read that may be before the commit',
    PLACE,
    POSTGRES,
    'databases/postgres/log-position.ts',
    'COMMIT; SELECT pg_current_wal_insert_lsn()',
    'COMMIT; SELECT pg_current_wal_lsn()',
  ),
]
