import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { CacheStats } from 'coherent-cache'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const cwd = fileURLToPath(new URL('../../examples/nestjs/', import.meta.url))
// Not the program tsx, which would start another process: that one would outlive a signal that cannot be passed on.
const tsx = ['--import', 'tsx', '--import', '../../scripts/text-loader.mjs']

describe('examples/nestjs, over HTTP', () => {
  let app: ChildProcess
  let url: string
  let output = ''

  beforeAll(async () => {
    app = spawn(process.execPath, [...tsx, 'src/main.ts'], {
      cwd,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    url = await new Promise((resolve, reject) => {
      app.once('exit', (code) => reject(new Error(`It ended with ${code} before it listened.\n${output}`)))
      createInterface({ input: app.stdout as NodeJS.ReadableStream }).on('line', (line) => {
        output += `${line}\n`
        const [, address] = /^listening on (.*)$/.exec(line) ?? []
        if (address !== undefined) resolve(address)
      })
    })
  }, 60_000)
  afterAll(() => app.kill('SIGKILL'))

  const ask = async <T>(path: string): Promise<T> => (await (await fetch(`${url}${path}`)).json()) as T
  const send = async (method: string, path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) })).status
  }
  const total = async (id: number) => (await ask<{ amount: number }>(`/landlords/${id}/total`)).amount
  const hits = async () => (await ask<CacheStats>('/cache')).hits.memory

  test('theRefreshAfterASave_showsIt_andOthersStayCached', async () => {
    expect([await total(3), await total(4)]).toEqual([0, 0])
    expect(await send('POST', '/landlords/3/payments', { amount: 500 })).toBe(204)
    expect(await total(3)).toBe(500)
    const before = await hits()
    expect([await total(3), await total(4)]).toEqual([500, 0])
    expect((await hits()) - before).toBe(2)
  })

  test('aTransaction_isBothPayments_orNone', async () => {
    expect(await send('POST', '/landlords/3/transfers', { to: 4, amount: 200 })).toBe(204)
    expect([await total(3), await total(4)]).toEqual([300, 200])
    const before = await hits()
    expect(await send('POST', '/landlords/3/transfers', { to: 4, amount: 301 })).toBe(409)
    // Rolled back: nothing was made void.
    expect([await total(3), await total(4)]).toEqual([300, 200])
    expect((await hits()) - before).toBe(2)
  })

  test('whatNoDatabaseNotices_isDeclared', async () => {
    const rate = async (currency: string) => (await ask<{ rate: number }>(`/rates/${currency}`)).rate
    expect([await rate('EUR'), await rate('INR')]).toEqual([100, 1])
    expect(await send('PUT', '/rates/EUR', { rate: 120 })).toBe(204)
    const before = await hits()
    expect([await rate('EUR'), await rate('INR')]).toEqual([120, 1])
    expect((await hits()) - before).toBe(1)
  })

  test('SIGTERM_closesTheCache_andTheDatabase', async () => {
    const ended = once(app, 'exit')
    app.kill('SIGTERM')
    await ended
    expect(output).toMatch(/^closed: 0 loads, 0 transactions and 0 changes left undone$/m)
  })
})

test('examples/nestjs: the audit', { timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [...tsx, '../../src/cli/main.ts', 'audit'], {
    cwd,
  })
  expect(stdout).toContain('✓ total  total:3\n      payments\n')
  expect(stdout).toContain('not audited: rate\n')
})
