import { expect, test } from 'vitest'
import { CLIENTS_PRELUDE, compileBlocks } from '../support/compile-blocks.ts'
import { documentedBlocks } from '../support/documents.ts'

test('every example with a database client compiles against the client itself', { timeout: 60_000 }, () => {
  const blocks = documentedBlocks().blocks.filter(({ prelude }) => prelude === CLIENTS_PRELUDE)
  expect(blocks.length).toBeGreaterThan(0)
  const places = { modules: 'test/databases', preludes: 'test/databases/preludes' }
  expect(compileBlocks(blocks, places)).toEqual([])
})
