/** Writes the table of what each adapter keeps into docs/databases.md. */
import { readFileSync, writeFileSync } from 'node:fs'
import { withSupportTable } from '../test/support/support-table.ts'

const file = new URL('../docs/databases.md', import.meta.url)
writeFileSync(file, withSupportTable(readFileSync(file, 'utf8')))
