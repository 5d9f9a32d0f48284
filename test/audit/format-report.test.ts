import { type AuditReport, formatAudit } from 'coherent-cache/audit'
import { expect, test } from 'vitest'
import { CacheError } from '../../src/core/errors.ts'

const loader = { family: undefined, tables: [], missing: [], error: undefined }
const report: AuditReport = {
  ok: false,
  cache: 'reports',
  database: 'pg',
  loaders: [
    {
      ...loader,
      name: 'daily report',
      key: 'report:7:2026-11-20',
      status: 'declared',
      tables: [
        { table: 'hedges', declared: true, through: [['v_available'], ['v_all', 'v_open']] },
        { table: 'revenues', declared: true, through: [] },
      ],
    },
    {
      ...loader,
      name: 'metrics',
      key: 'metrics:3',
      status: 'undeclared',
      tables: [
        { table: 'payments', declared: true, through: [] },
        { table: 'renters', declared: false, through: [['v_active']] },
        { table: 'units', declared: false, through: [] },
      ],
      missing: ['tables: { renters: [keys.metrics] }', 'tables: { units: [keys.metrics] }'],
    },
    { ...loader, name: 'quote', key: 'quote:1', status: 'unseen' },
    { ...loader, name: 'broken', key: 'x', status: 'failed', error: new TypeError('one\ntwo') },
    { ...loader, name: 'worse', key: 'y', status: 'failed', error: new CacheError('INVALID_KEY', 'no key') },
    { ...loader, name: 'worst', key: 'z', status: 'failed', error: 'text' },
  ],
  unread: [
    { of: 'metrics', table: 'ledger' },
    { of: 'metrics', table: 'leases' },
  ],
  unaudited: ['capacity', 'rates'],
}

test('a report, as people read it', () => {
  expect(formatAudit(report)).toMatchInlineSnapshot(`
    "Dependency audit of reports, on pg

      ✓ daily report  report:7:2026-11-20
          hedges, through view v_available and view v_all → v_open
          revenues

      ✗ metrics       metrics:3
          payments
          renters, through view v_active  undeclared
          units                           undeclared
          A write of renters or units leaves metrics:3 as it was. Add to the map:
            tables: { renters: [keys.metrics] }
            tables: { units: [keys.metrics] }

      ? quote         quote:1
          No read was seen, so nothing is known of it. Read through the bound database
          (db.query, the handle that the loader is given), not through a pool of its own.

      ! broken        x
          It threw TypeError: one
          two

      ! worse         y
          INVALID_KEY: no key

      ! worst         z
          It threw text

      · metrics: no loader here read ledger or leases, declared for it
      · not audited: capacity, rates

    Of 6 loaders, 1 reads what is not declared, 1 could not be seen, 3 failed.
    "
  `)
})

test('colours, where they are asked for', () => {
  const text = formatAudit(report, { color: true })
  expect(text).toContain('\u001b[31m✗\u001b[0m')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours are made of
  expect(text.replace(/\u001b\[\d+m/g, '')).toBe(formatAudit(report))
})

test('a good report ends well', () => {
  const [good] = report.loaders
  if (good === undefined) throw new Error('There is none.')
  const fine = { ...report, ok: true, unread: [], unaudited: [] }
  expect(formatAudit({ ...fine, loaders: [good] })).toMatch(/\nThe loader reads declared tables only\.\n$/)
  expect(formatAudit({ ...fine, loaders: [good, good] })).toMatch(
    /\nAll 2 loaders read declared tables only\.\n$/,
  )
})
