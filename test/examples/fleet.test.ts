import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('examples/fleet: three processes, and nobody sees anything older than it may', {
  timeout: 60_000,
}, async () => {
  // Rejects unless it exits with 0.
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [createRequire(import.meta.url).resolve('tsx/cli'), 'examples/fleet/main.ts'],
    { cwd: fileURLToPath(new URL('../../', import.meta.url)) },
  )
  expect(stderr).toBe('')
  const looks = stdout.split('\n').map((line) => line.trim().split(/\s{2,}/))
  const look = (what: string) => looks.find(([first]) => first?.startsWith(what))?.slice(1)
  expect(look('Everyone looks')?.filter((seen) => seen === '100 loader')).toHaveLength(1)
  expect(look('Asha has sold 30')?.[0]).toMatch(/^70 /)
  expect(look('Both sell the last 70')).toEqual([0, 0, 0].map(() => expect.stringMatching(/^0 /)))
  expect(stdout).toContain('Nobody saw anything older than it may.')
})
