import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { databaseCases } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { findNode } from '../package/node-versions.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

test('the conformance suite on node:sqlite, in a Node.js that has it', { timeout: 120_000 }, async () => {
  const args = [
    '--import',
    'tsx',
    '--import',
    './scripts/text-loader.mjs',
    'test/databases/support/play-node-sqlite.ts',
  ]
  const { stdout } = await promisify(execFile)(await findNode(24), args, { cwd: root })
  expect(JSON.parse(stdout)).toEqual({ played: databaseCases.length, failed: {} })
})
