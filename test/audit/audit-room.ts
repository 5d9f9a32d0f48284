import { type Cache, createCache, type Dependencies, defineDependencies, defineKeys } from 'coherent-cache'

export const keys = defineKeys({
  report: 'report:{orgId}:{day}',
  capacity: 'capacity:{entityId}',
  metrics: 'metrics:{landlordId}',
})

export const dependencies = defineDependencies({
  tables: {
    revenues: [keys.report],
    expenses: [keys.report],
    hedges: [],
    positions: [],
    v_available: [keys.capacity],
  },
  views: { v_available: ['hedges', 'positions'] },
})

/** Tables and views, in SQL that PostgreSQL and SQLite both take. */
export const SCHEMA = [
  'CREATE TABLE revenues (org_id int, day text, amount int)',
  'CREATE TABLE expenses (org_id int, day text, amount int)',
  'CREATE TABLE renters (id int PRIMARY KEY, org_id int, active int)',
  'CREATE TABLE hedges (entity_id int, amount int)',
  'CREATE TABLE positions (entity_id int, amount int)',
  'CREATE VIEW v_active AS SELECT * FROM renters WHERE active = 1',
  'CREATE VIEW v_counted AS SELECT org_id, count(*) AS n FROM v_active GROUP BY org_id',
  'CREATE VIEW v_available AS SELECT h.entity_id, h.amount - p.amount AS amount FROM hedges h JOIN positions p ON p.entity_id = h.entity_id',
  "INSERT INTO revenues VALUES (7, '2026-11-20', 100)",
]

/** A cache under a name of its own. Close it. */
export function openCache(name: string, map: Dependencies = dependencies): Cache {
  return createCache({ name, keys, dependencies: map })
}
