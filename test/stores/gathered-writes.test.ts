import { expect, inject, test } from 'vitest'
import { GatheredWrites } from '../../src/stores/redis/gathered-writes.ts'
import { connectTo } from '../support/redis-clients.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

function recorded() {
  const log: string[] = []
  const socket = { cork: () => log.push('cork'), uncork: () => log.push('uncork') }
  return { log, socket, writes: new GatheredWrites(() => socket) }
}

test('one command of a turn is sent at once', async () => {
  const { log, writes } = recorded()
  for (let at = 0; at < 3; at++) {
    writes.beforeCommand()
    await turn()
  }
  expect(log).toEqual([])
})

test('those that follow it in the same turn are sent together, when it ends', async () => {
  const { log, writes } = recorded()
  for (let at = 0; at < 5; at++) writes.beforeCommand()
  await Promise.resolve()
  writes.beforeCommand()
  expect(log).toEqual(['cork'])
  await turn()
  expect(log).toEqual(['cork', 'uncork'])
  writes.beforeCommand()
  writes.beforeCommand()
  await turn()
  expect(log).toEqual(['cork', 'uncork', 'cork', 'uncork'])
})

test('what was held back is released on the socket that held it, whichever came after', async () => {
  const { log, socket } = recorded()
  const later = recorded()
  let current: typeof socket | undefined = socket
  const writes = new GatheredWrites(() => current)
  writes.beforeCommand()
  writes.beforeCommand()
  current = later.socket
  await turn()
  expect(log).toEqual(['cork', 'uncork'])
  expect(later.log).toEqual([])
  current = undefined
  writes.beforeCommand()
  writes.beforeCommand()
  await turn()
})

test('a hundred commands of one turn take two writes, and are answered in order', async () => {
  const client = connectTo(inject('redisPort'))
  await client.call('PING')
  const { stream } = client as unknown as { readonly stream: import('node:net').Socket }
  let written = 0
  const { _handle: handle } = stream as unknown as {
    readonly _handle: Record<string, (...args: never[]) => unknown>
  }
  for (const name of ['writeUtf8String', 'writeLatin1String', 'writeBuffer', 'writev']) {
    const write = handle[name]
    handle[name] = function counted(this: unknown, ...args: never[]) {
      written++
      return write?.apply(this, args)
    }
  }
  const writes = new GatheredWrites(() => stream)
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, at) => {
      writes.beforeCommand()
      return client.call('ECHO', String(at))
    }),
  )
  expect(replies).toEqual(Array.from({ length: 100 }, (_, at) => String(at)))
  expect(written).toBe(2)
  client.disconnect()
})
