/** Runs one case in this process and sends what it found to the parent. Started by `run-case.ts`. */
import { Redis } from 'ioredis'
import { type RedisServer, startRedis } from '../test/support/redis.ts'
import { cases } from './cases.ts'
import type { Outcome } from './run-case.ts'

const [name, effort] = process.argv.slice(2)
const benchCase = cases.find((one) => one.name === name)
if (benchCase === undefined) throw new Error(`There is no case ${name}.`)

let server: RedisServer | undefined
let redisVersion: string | undefined
try {
  const findings = await benchCase.run({
    quick: effort === 'quick',
    full: effort === 'full',
    async redis() {
      server ??= await startRedis()
      const client = new Redis(server.port)
      redisVersion ??= /redis_version:(\S+)/.exec(await client.info('server'))?.[1]
      client.disconnect()
      return server
    },
  })
  const outcome: Outcome = { findings, redisVersion }
  process.send?.(outcome)
} finally {
  await server?.stop()
  process.disconnect?.()
}
