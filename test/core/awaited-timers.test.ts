import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// A process ends when nothing keeps it alive. What somebody awaits does.
const run = promisify(execFile)
const source = (path: string) => new URL(`../../src/${path}`, import.meta.url).href

test.each([
  [
    'a gathered read',
    `const user = batchLoader(async (missing) => missing.map(() => 'loaded'), { window: '5ms' })
     console.log(await cache.get('user:1', user))`,
    'loaded',
  ],
  [
    'a hard timeout',
    `console.log(await cache.get('a', () => new Promise(() => {}), { timeout: { hard: '5ms' } }).catch((error) => error.code))`,
    'TIMEOUT',
  ],
  [
    'a timeout that no timer is long enough for',
    `console.log(await cache.get('a', async () => { await new Promise((done) => setTimeout(done, 20)); return 'loaded' }, { timeout: { hard: '30d' } }))
     process.exit()`,
    'loaded',
  ],
])('process_thatAwaits_%s_doesNotEndBefore', async (_, body, said) => {
  const program = `import { batchLoader, createCache } from '${source('index.ts')}'
    const cache = createCache({ name: 'script' })
    ${body}`
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program]
  const { stdout } = await run(process.execPath, args, { cwd: new URL('../..', import.meta.url) })
  expect(stdout.trim()).toBe(said)
})
