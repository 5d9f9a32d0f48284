import { type CaughtByTest, type Mutant, tested } from './mutant.ts'

const scope = (only: string): CaughtByTest => ({ test: 'test/tenancy/scope.test.ts', only })
const ambient = (only: string): CaughtByTest => ({ test: 'test/tenancy/run-in-scope.test.ts', only })
const others = (only: string): CaughtByTest => ({ test: 'test/tenancy/other-tenants-rows.test.ts', only })
const SCOPE = 'tenancy/tenant-scope.ts'

/** The guards of a tenant's view, and of values that others cannot read or swap. */
export const inTenancy: readonly Mutant[] = [
  tested(
    'a scope lets every key be read that names no tenant',
    'tenancy, a scope reads its tenant’s keys',
    scope('aKey_raw'),
    SCOPE,
    'if (family !== undefined && this.#shared.has(family.name)) return',
    'if (params[this.parameter] === undefined || family === undefined) return',
  ),
  tested(
    'a scope invalidates any key',
    'tenancy, a scope invalidates its tenant’s keys',
    scope('aKey_of another tenant'),
    SCOPE,
    'for (const key of change.keys) this.checkOwn(key, what)',
    '',
  ),
  tested(
    'a scope invalidates a table for everybody',
    'tenancy, a write in a scope is its tenant’s',
    scope('aTableWithoutRows'),
    SCOPE,
    'tables: change.tables.map((table): ConfinedTable => ({ ...table, within }))',
    'tables: change.tables.map((table): ConfinedTable => ({ ...table, ...(false && { within }) }))',
  ),
  tested(
    'rows of another tenant pass',
    'tenancy, a write in a scope is its tenant’s',
    scope('rowsOfAnotherTenant'),
    'core/confined.ts',
    'if (own === value) return bound',
    'if (own.length > 0) return bound',
  ),
  tested(
    'rows that may be another tenant’s pass',
    'tenancy, a write in a scope is its tenant’s',
    others('whateverWasDone: update'),
    'core/dependency-map.ts',
    'confinedTo(change.within, await namedBy(binder, change, tx), change.table)',
    'void namedBy',
  ),
  tested(
    'a view of another tenant is turned into the scope’s',
    'tenancy, a write in a scope is its tenant’s',
    others('view_ofAnotherTenant'),
    SCOPE,
    'if (table.within !== undefined && table.within.value !== within.value)',
    'if (table.within === within)',
  ),
  tested(
    'a refusal is left to the unit',
    'tenancy, a refusal applies nothing',
    others('refusal_insideAUnit'),
    'open-cache.ts',
    'await this.#parts.committer.resolve(change)',
    'await undefined',
  ),
  tested(
    'the map of another process refuses',
    'tenancy, a refusal applies nothing',
    others('refusal_byTheMap'),
    'core/skeleton.ts',
    'const scopes = foreignScopes(write, rows)',
    'const scopes = confinedTo(write.within, rows, write.table) ?? foreignScopes(write, rows)',
  ),
  tested(
    'what a view told narrows what a transaction wrote',
    'tenancy, what a transaction wrote is void for everybody',
    others('invalidation_ofOneTenant'),
    'write/unit-of-work.ts',
    'change.tables.filter(({ within }) => within === undefined)',
    'change.tables.filter(({ within }) => within !== null)',
  ),
  tested(
    'a scope is left from inside',
    'tenancy, a scope is not left from inside',
    ambient('inTheScopeOfAnotherTenant'),
    'tenancy/scope-context.ts',
    'if (around !== undefined && !around.holds(scope)) {',
    'if (around !== undefined && scope.tenant === undefined) {',
  ),
  tested(
    'a tenant over its quota takes from others',
    'tenancy, a noisy tenant displaces its own entries',
    { test: 'test/coherence/quota-entries.test.ts', only: 'aFullRoom' },
    'coherence/quota-entries.ts',
    'idle(room, list.usedAt) ?? room.ranks.first ?? list',
    'room.lists.values().next().value ?? list',
  ),
  tested(
    'a ciphertext is read in another key’s place',
    'codecs, a ciphertext belongs to its place',
    { test: 'test/codecs/encrypted.test.ts', only: 'inThePlaceOf_another key' },
    'codecs/encrypted.ts',
    'JSON.stringify([FORMAT, id, codec.id, cache, family ?? null, version, key])',
    'JSON.stringify([FORMAT, id, codec.id, cache, family ?? null, version, key.length])',
  ),
  tested(
    'a value of another codec is decoded',
    'codecs, another codec’s value is a miss',
    { test: 'test/read/codecs.test.ts', only: 'ofAFamily_standsOverTheCaches' },
    'read/keeper.ts',
    'if (entry.codec !== codec.id)',
    'if (entry.codec === 0)',
  ),
  tested(
    'a value of another version of its shape is read',
    'codecs, another version’s value is a miss',
    { test: 'test/journeys/shapes-side-by-side.test.ts', only: 'readsItsOwnShape' },
    'read/keeper.ts',
    'if (entry.version !== (family?.version ?? 1))',
    'if (entry.version === 0)',
  ),
]
