import { type CaughtByTest, type Mutant, tested } from './mutant.ts'

const record = (only: string): CaughtByTest => ({ test: 'test/sources/journal-record.test.ts', only })

/** The guards of the journal that show without a PostgreSQL. */
export const inJournal: readonly Mutant[] = [
  tested(
    'rows of some columns are handed to a bind function',
    'journal, it carries changes',
    record('rows_forAFunction'),
    'sources/journal/record.ts',
    'if (isFunction !== typed) return { table }',
    'if (typed && !isFunction) return { table }',
  ),
]
