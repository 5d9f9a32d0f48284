import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres.ts'
import { startRedis } from './redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a Redis on 127.0.0.1 that the whole run shares: keep to a namespace of your own. */
    redisPort: number
    /** Of a PostgreSQL that the whole run shares: keep to a schema or database of your own. */
    postgresUrl: string
  }
}

/** Starts the servers that a run shares. One that cannot be had fails the run: nothing is skipped for its sake. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = await Promise.allSettled([startRedis(), startPostgres()])
  const stop = async () => {
    await Promise.all(
      started.map((server) => (server.status === 'fulfilled' ? server.value.stop() : undefined)),
    )
  }
  const [redis, postgres] = started
  if (redis.status === 'rejected' || postgres.status === 'rejected') {
    await stop()
    const reasons = started.flatMap((server) => (server.status === 'rejected' ? [server.reason] : []))
    throw new Error(reasons.map(String).join('\n'), { cause: reasons[0] })
  }
  project.provide('redisPort', redis.value.port)
  project.provide('postgresUrl', postgres.value.url)
  return stop
}
