import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { supportTable, withSupportTable } from '../support/support-table.ts'

test('the table in docs/databases.md is up to date (npm run docs:databases)', () => {
  const document = readFileSync(new URL('../../docs/databases.md', import.meta.url), 'utf8')
  expect(document).toBe(withSupportTable(document))
})

test('the table numbers each reason once, and refuses a document without its marks', () => {
  const gap = { reason: 'There is none.', fails: /none/ }
  const lines = supportTable({
    one: { 'what a trigger writes': gap },
    two: { 'what a trigger writes': gap, 'a declared write': { reason: 'Because.', fails: /x/ } },
  }).split('\n')
  expect(lines).toContain('| case | one | two |')
  expect(lines).toContain('| a declared write | yes | no [1] |')
  expect(lines).toContain('| what a trigger writes | no [2] | no [2] |')
  expect(lines.slice(-2)).toEqual(['1. Because.', '2. There is none.'])
  expect(() => withSupportTable('# Nothing')).toThrow('lacks')
})
