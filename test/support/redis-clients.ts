import { Cluster, Redis } from 'ioredis'
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5'

/** The clients that the store is used with, by the name of their major version. */
export const clients = { 'ioredis 6': Redis, 'ioredis 5': Redis5 } as const

/** The same for a Redis Cluster. */
const clusters = { 'ioredis 6': Cluster, 'ioredis 5': Cluster5 } as const

export type ClientName = keyof typeof clients

/** What tests use of a client, whichever it is. */
export interface TestClient {
  readonly status: string
  readonly options: Redis['options']
  call(command: string, ...args: (string | number | Buffer)[]): Promise<unknown>
  callBuffer(command: string, ...args: (string | number | Buffer)[]): Promise<unknown>
  duplicate: Redis['duplicate']
  disconnect(): void
  on(event: string, listener: (...args: never[]) => void): unknown
}

/** A client on a port of 127.0.0.1 that says nothing of connections it has lost. */
export function connectTo(
  port: number,
  options: Record<string, unknown> = {},
  name: ClientName = 'ioredis 6',
): TestClient {
  const Client = clients[name] as typeof Redis
  const client = new Client({ port, host: '127.0.0.1', ...options }) as unknown as TestClient
  client.on('error', () => {})
  return client
}

/** A client of a Redis Cluster, from the port of any of its nodes on 127.0.0.1. */
export function connectToCluster(
  ports: readonly number[],
  options: Record<string, unknown> = {},
  name: ClientName = 'ioredis 6',
): Cluster {
  const Client = clusters[name] as typeof Cluster
  const client = new Client(
    ports.map((port) => ({ port, host: '127.0.0.1' })),
    options,
  )
  client.on('error', () => {})
  return client
}

/** Every key that starts so, by SCAN. */
export async function keysUnder(client: TestClient, prefix: string): Promise<string[]> {
  const found: string[] = []
  let cursor = '0'
  do {
    const match = `${prefix.replace(/[*?[\]\\]/g, '\\$&')}*`
    const [next, keys] = (await client.call('SCAN', cursor, 'MATCH', match, 'COUNT', 1_000)) as [
      string,
      string[],
    ]
    found.push(...keys)
    cursor = next
  } while (cursor !== '0')
  return [...new Set(found)]
}

/** Unlinks every key that starts so. */
export async function unlinkUnder(client: TestClient, prefix: string): Promise<void> {
  const keys = await keysUnder(client, prefix)
  for (let at = 0; at < keys.length; at += 1_000) await client.call('UNLINK', ...keys.slice(at, at + 1_000))
}

const AGE = `
local ms = tonumber(ARGV[1])
local function older(time)
  return (tonumber(time) or 0) > 0 and string.format('%.0f', time - ms) or time
end
for _, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  if left >= 0 then
    if left <= ms then redis.call('UNLINK', key) else redis.call('PEXPIRE', key, string.format('%.0f', left - ms)) end
  end
  local kind = redis.call('TYPE', key).ok
  if kind == 'string' and string.find(key, '}:s:', 1, true) then
    local token, created, locks = string.match(redis.call('GET', key), '^(' .. string.rep('.', 16) .. ')(%d+)(.*)$')
    if token then redis.call('SET', key, token .. older(created) .. locks, 'KEEPTTL') end
  end
  if kind == 'hash' and string.find(key, '}:state$') then
    local born = redis.call('HGET', key, 'born')
    if born then redis.call('HSET', key, 'born', older(born)) end
  elseif kind == 'hash' and redis.call('HEXISTS', key, 'until') == 1 then
    redis.call('HSET', key, 'until', older(redis.call('HGET', key, 'until')))
  elseif kind == 'hash' and not string.find(key, '}:l:', 1, true) then
    local all = redis.call('HGETALL', key)
    for at = 1, #all, 2 do
      local rotated, untold, rest = string.match(all[at + 1], '^(%d+),(%d+)(,.*)$')
      redis.call('HSET', key, all[at], rotated and older(rotated) .. ',' .. older(untold) .. rest or older(all[at + 1]))
    end
  end
  if kind == 'zset' then
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      redis.call('ZINCRBY', key, string.format('%.0f', -ms), member)
    end
  end
end
return #KEYS`

/** Makes every key that starts so this much older: what would have expired has, and the times of stamps and in hashes and sorted sets lie back. */
export async function age(client: TestClient, prefix: string, milliseconds: number): Promise<void> {
  const keys = await keysUnder(client, prefix)
  for (let at = 0; at < keys.length; at += 1_000) {
    const some = keys.slice(at, at + 1_000)
    await client.call('EVAL', AGE, some.length, ...some, milliseconds)
  }
}
