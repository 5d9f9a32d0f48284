import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blocksOfMarkdown } from './support/code-blocks.ts'
import { until } from './support/until.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
// What runs is handed over as text, which Node.js takes as JavaScript.
const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext }

// The steps build on one another: one process, as a client meets it.
describe('the service of docs/web.md, as it stands', () => {
  let service: ChildProcess
  let url = ''
  let complaints = ''
  const headers = { 'x-org-id': '7' }
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(url + path, { ...init, headers: { ...headers, ...init.headers } })
  const tokenIn = (response: Response) =>
    /read-after=([^;]*)/.exec(response.headers.get('set-cookie') ?? '')?.[1] ?? ''

  beforeAll(async () => {
    const text = readFileSync(new URL('../docs/web.md', import.meta.url), 'utf8')
    const [block] = blocksOfMarkdown('docs/web.md', text).blocks
    const { outputText } = ts.transpileModule(block?.code ?? '', { compilerOptions })
    const loaders = ['--import', 'tsx', '--import', './scripts/text-loader.mjs']
    service = spawn(process.execPath, [...loaders, '--input-type=module', '--eval', outputText], {
      cwd: root,
      env: { ...process.env, PORT: '0' },
    })
    let said = ''
    service.stdout?.on('data', (data) => {
      said += data
    })
    service.stderr?.on('data', (data) => {
      complaints += data
    })
    const port = await until(
      () => {
        if (service.exitCode !== null) throw new Error(`The service has ended.\n${complaints}`)
        return /port: (\d+)/.exec(said)?.[1]
      },
      'the service listens',
      30_000,
    )
    url = `http://localhost:${port}`
  }, 40_000)

  afterAll(() => {
    service?.kill('SIGKILL')
  })

  test('write_thenReadWithItsToken_showsTheWrite', async () => {
    const before = await ask('/7/2026-11-20')
    expect(await before.json()).toEqual({ guests: 0 })
    const written = await ask('/7/2026-11-20', { method: 'POST' })
    expect(await written.json()).toEqual({ guests: 2 })
    expect(tokenIn(written)).toMatch(/^1~/)
    const after = await ask('/7/2026-11-20', { headers: { cookie: `a=b; read-after=${tokenIn(written)}` } })
    expect(await after.json()).toEqual({ guests: 2 })
    expect(after.headers.get('set-cookie')).toBeNull()
    expect(after.headers.get('etag')).not.toBe(before.headers.get('etag'))
  })

  test('etagOfWhatIsCached_304_andABodyAfterAWrite', async () => {
    const etag = (await ask('/7/2026-11-21')).headers.get('etag') ?? ''
    const same = { headers: { 'if-none-match': etag } }
    expect((await ask('/7/2026-11-21', same)).status).toBe(304)
    await ask('/7/2026-11-21', { method: 'POST' })
    const changed = await ask('/7/2026-11-21', same)
    expect([changed.status, await changed.json()]).toEqual([200, { guests: 2 }])
  })

  test('anotherTenantsKey_403_andNoTenant_401', async () => {
    expect((await ask('/8/2026-11-20')).status).toBe(403)
    expect((await ask('/7/2026-11-20', { headers: { 'x-org-id': 'seven' } })).status).toBe(401)
  })

  test('SIGTERM_endsTheProcess_withNothingToSay', async () => {
    const ended = once(service, 'exit')
    service.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(complaints).toBe('')
  })
})
