import { readFileSync } from 'node:fs'
import * as pglite from '@electric-sql/pglite'
import * as root from 'coherent-cache'
import { createCache } from 'coherent-cache'
import * as boundPglite from 'coherent-cache/pglite'
import * as testing from 'coherent-cache/testing'
import ts from 'typescript'
import * as vitest from 'vitest'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { deferred } from './support/caches.ts'
import { blocksOfMarkdown } from './support/code-blocks.ts'

const packages: Readonly<Record<string, unknown>> = {
  vitest,
  'coherent-cache': root,
  'coherent-cache/testing': testing,
  'coherent-cache/pglite': boundPglite,
  '@electric-sql/pglite': pglite,
}
// PGlite starts in seconds on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.CommonJS }
const text = readFileSync(new URL('../docs/testing.md', import.meta.url), 'utf8')
const blocks = blocksOfMarkdown('docs/testing.md', text).blocks.filter(({ code }) => /^test\(/m.test(code))

// The examples are tests: each is run here as a file of its own.
describe.each(blocks)('the example at docs/testing.md:$line', ({ code }) => {
  const { outputText } = ts.transpileModule(code, { compilerOptions })
  new Function('require', 'exports', outputText)((name: string) => packages[name], {})
})

describe('what docs/testing.md says besides', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('the page has examples', () => {
    expect(blocks).toHaveLength(3)
  })

  test('fakeTimers_doNotEndLifetimes', async () => {
    vi.useFakeTimers()
    await using cache = createCache({ name: 'faked', ttl: '1s', jitter: 0 })
    await cache.get('user:7', async () => 'Asha')
    vi.advanceTimersByTime(60_000)
    expect(cache.peek('user:7')).toBe('Asha')
  })

  test('fakeTimers_holdWhatTheCacheWaitsBy', async () => {
    vi.useFakeTimers()
    await using cache = createCache({ name: 'faked' })
    const held = deferred<string>()
    const read = cache.get('user:7', () => held.promise, { timeout: { hard: '1s' } })
    // Its patience is a timer that the runner holds.
    const timers = vi.getTimerCount()
    held.resolve('Asha')
    expect(await read).toBe('Asha')
    expect([timers, vi.getTimerCount()]).toEqual([1, 0])
  })

  test('memoryFalse_withoutAStore_loadsAtEveryRead', async () => {
    await using cache = createCache({ name: 'none', memory: false })
    let loads = 0
    for (let read = 0; read < 3; read++) await cache.get('user:7', async () => ++loads)
    expect(loads).toBe(3)
  })
})
