import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('examples/warming: what is wanted is warm in the morning', { timeout: 60_000 }, async () => {
  // Rejects unless it exits with 0.
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [
      createRequire(import.meta.url).resolve('tsx/cli'),
      '--import',
      './scripts/text-loader.mjs',
      'examples/warming/main.ts',
    ],
    { cwd: fileURLToPath(new URL('../../', import.meta.url)) },
  )
  expect(stderr).toBe('')
  const nights = stdout.split('\n').map((line) => line.trim().split(/\s{2,}/))
  const night = (how: string) => nights.find(([first]) => first === how)?.slice(1, 4)
  expect(night('not warmed')).toEqual(['800 ms at most', '20 of 20', '800 ms'])
  expect(night('warmed at midnight')).toEqual(['800 ms at most', '20 of 20', '800 ms'])
  expect(night('kept warm')).toEqual(['0 ms at most', '16 of 20', '0 ms'])
  expect(stdout).toContain('What is wanted is warm')
})
