import { type CaughtByTest, type Mutant, tested } from './mutant.ts'

const CDC: CaughtByTest = { test: 'test/sources/cdc.test.ts' }
const STREAM: CaughtByTest = { test: 'test/sources/cdc-stream.test.ts' }
const RULE = '10, writes that bypass the hooks: change data capture'

/** What is read from the database's log. */
export const inCdc: readonly Mutant[] = [
  tested(
    'cdc: the server may forget what the store has not been told',
    RULE,
    CDC,
    'sources/cdc/source.ts',
    "if (receipt.status === 'applied') return",
    'if (receipt.status.length > 0) return',
  ),
  tested(
    'cdc: a sign of life stands for what has not been applied',
    RULE,
    STREAM,
    'sources/cdc/stream.ts',
    'if (this.#inside || this.#pending.length > 0 || end <= this.applied) return',
    'if (end <= this.applied) return',
  ),
  tested(
    'cdc: a slot is named before everything has been made void',
    RULE,
    CDC,
    'sources/cdc/slot.ts',
    '  await clear()\n  await client.query(`SELECT pg_copy',
    '  void clear()\n  await client.query(`SELECT pg_copy',
  ),
  tested(
    'cdc: a slot that has lost its place is gone on with',
    RULE,
    CDC,
    'sources/cdc/slot.ts',
    "if (known !== undefined && known.wal_status !== 'lost') {",
    'if (known !== undefined) {',
  ),
  tested(
    'cdc: the old row is not looked at',
    RULE,
    CDC,
    'sources/cdc/transaction-changes.ts',
    "this.#note(relation, 'update', { before, after })",
    "this.#note(relation, 'update', { before: after, after })",
  ),
]
