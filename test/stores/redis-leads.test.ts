import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Leads } from '../../src/core/store.ts'
import { Layout } from '../../src/stores/redis/layout.ts'
import { RedisLeads } from '../../src/stores/redis/leads.ts'
import { scriptsFor } from '../../src/stores/redis/scripts.ts'
import { runScript } from '../../src/stores/redis/standalone.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { connectTo, type TestClient } from '../support/redis-clients.ts'

let redis: RedisServer
let client: TestClient
let leads: Leads
beforeAll(async () => {
  redis = await startRedis()
  client = connectTo(redis.port)
  const connection = client as unknown as Parameters<typeof runScript>[0]
  for (const [name, lua] of Object.entries(scriptsFor('PUBLISH'))) connection.defineCommand(name, { lua })
  const run = (script: string, names: readonly string[], args: Parameters<typeof runScript>[3]) =>
    runScript(connection, script, names, args)
  leads = new RedisLeads({ run, check() {} }, [new Layout('', 'shop', 'app', 0)])
})
afterAll(async () => {
  client.disconnect()
  await redis.stop()
})

const TITLE = 'schedules'
const holder = 'holder-123456789'

test('a full Redis still lets a leader renew, and put on record what it does', async () => {
  const { fence } = await leads.lead({ title: TITLE, holder, label: 'p1', ttlMs: 60_000 })
  await client.call('CONFIG', 'SET', 'maxmemory', 1)
  try {
    await expect(client.call('SET', 'anything', 'at all')).rejects.toThrow(/OOM/)
    expect(await leads.lead({ title: TITLE, holder, label: 'p1', ttlMs: 60_000 })).toMatchObject({
      held: true,
      fence,
    })
    const entries = new Map([['run', 'text']])
    expect((await leads.record({ title: TITLE, entries, term: { holder, fence } })).written).toBe(true)
  } finally {
    await client.call('CONFIG', 'SET', 'maxmemory', 0)
  }
})

test('what is of another type under its name is out of the way', async () => {
  await client.call('DEL', 'cc:{shop.0}:l:app:other')
  await client.call('RPUSH', 'cc:{shop.0}:l:app:other', 1)
  expect(await leads.records('other')).toEqual({ revision: 0, leader: '', entries: new Map() })
  expect((await leads.lead({ title: 'other', holder, label: 'p1', ttlMs: 1_000 })).held).toBe(true)
})

test('a replica refuses', async () => {
  await client.call('REPLICAOF', '127.0.0.1', 1)
  try {
    await expect(leads.lead({ title: TITLE, holder, label: 'p1', ttlMs: 1_000 })).rejects.toThrow(/READONLY/)
  } finally {
    await client.call('REPLICAOF', 'NO', 'ONE')
  }
})
