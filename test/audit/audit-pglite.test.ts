import type { PGlite } from '@electric-sql/pglite'
import { type Cache, isCacheError } from 'coherent-cache'
import {
  auditCases,
  auditDependencies,
  auditMatchers,
  defineAudit,
  expectDeclared,
} from 'coherent-cache/audit'
import { type BoundPglite, bindPglite } from 'coherent-cache/pglite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPglite } from '../support/pglite.ts'
import { keys, openCache, SCHEMA } from './audit-room.ts'

declare module 'vitest' {
  interface Matchers<T> {
    toBeDeclared(): T
  }
}
expect.extend(auditMatchers)

let client: PGlite
let cache: Cache
let db: BoundPglite<PGlite>
beforeAll(async () => {
  client = await startPglite()
  await client.exec(SCHEMA.join('; '))
  cache = openCache('audit-pglite')
  db = bindPglite(client, cache)
})
afterAll(async () => {
  await cache.close()
  await client.close()
})

const loaders = () => ({
  report: {
    key: keys.report({ orgId: 7, day: '2026-11-20' }),
    load: () => db.query('SELECT * FROM revenues, expenses'),
  },
  metrics: {
    key: keys.metrics({ landlordId: 3 }),
    load: () => db.sql`SELECT * FROM v_counted WHERE org_id = ${3}`,
  },
})

test('cases_areOneForEachLoader', async () => {
  const [report, metrics] = auditCases(cache, loaders(), { database: db })
  expect([report?.name, metrics?.name]).toEqual(['report', 'metrics'])
  await report?.run()
  const error = await metrics?.run().catch((thrown: unknown) => thrown)
  expect(isCacheError(error, 'UNDECLARED_TABLE')).toBe(true)
  expect((error as Error).message).toBe(
    [
      'Dependency audit of audit-pglite, on pglite',
      '',
      '  ✗ metrics  metrics:3',
      '      renters, through view v_counted → v_active  undeclared',
      '      A write of renters leaves metrics:3 as it was. Add to the map:',
      '        tables: { renters: [keys.metrics] }',
      '',
      'Of 1 loader, 1 reads what is not declared.',
    ].join('\n'),
  )
  expect(() => auditCases(cache, {}, { database: db })).toThrow('nothing to audit')
})

test('matcher_passes_andFails_withTheReport', async () => {
  const { report, metrics } = loaders()
  expect(await auditDependencies(cache, { report }, { database: db })).toBeDeclared()
  const bad = await auditDependencies(cache, { report, metrics }, { database: db })
  expect(bad).not.toBeDeclared()
  expect(() => expect(bad).toBeDeclared()).toThrow('tables: { renters: [keys.metrics] }')
  expect(() => expect(Promise.resolve(bad)).toBeDeclared()).toThrow('await it first')
})

test('expectDeclared_hasTheCause_ofALoaderThatFailed', async () => {
  const cause = new Error('no such organisation')
  const report = await auditDependencies(
    cache,
    { report: { key: loaders().report.key, load: () => Promise.reject(cause) } },
    { database: db },
  )
  expect(() => expectDeclared(report)).toThrow(expect.objectContaining({ code: 'UNDECLARED_TABLE', cause }))
})

test('defineAudit_checks_andReturnsWhatItWasGiven', () => {
  const definition = { cache, database: db, loaders: loaders() }
  expect(defineAudit(definition)).toBe(definition)
  expect(() => defineAudit({ ...definition, loader: {} } as never)).toThrow('Did you mean "loaders"')
  expect(() => defineAudit({ ...definition, database: client as never })).toThrow('does not say')
})
