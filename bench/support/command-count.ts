import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import type { Redis } from 'ioredis'

/** What a server was asked to do while something ran. */
export interface CommandCount {
  /** Commands that clients sent: one trip each, a script counting as one. */
  readonly sent: number
  /** Commands the server ran, those inside scripts included. */
  readonly ran: number
}

/**
 * Counts the commands of everybody but this connection while `body` runs: those sent by MONITOR, which tells them from
 * the commands of scripts, and all that ran by the difference of two `INFO commandstats`.
 */
export async function countCommands(redis: Redis, body: () => Promise<unknown>): Promise<CommandCount> {
  const monitor = connect({ host: '127.0.0.1', port: redis.options.port ?? 6379 })
  const lines = createInterface(monitor)
  monitor.write('MONITOR\r\n')
  await once(lines, 'line')
  const end = `end of the count at ${performance.now()}`
  let sent = 0
  const ended = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line.includes(end)) resolve()
      else if (!line.includes(' lua] ') && !line.includes('"commandstats"')) sent++
    })
  })
  const before = await callsSoFar(redis)
  await body()
  const after = await callsSoFar(redis)
  await redis.echo(end)
  await ended
  monitor.destroy()
  // The first INFO counts itself only once it has answered.
  return { sent, ran: after - before - 1 }
}

async function callsSoFar(redis: Redis): Promise<number> {
  const stats = await redis.info('commandstats')
  let calls = 0
  for (const [, count] of stats.matchAll(/calls=(\d+)/g)) calls += Number(count)
  return calls
}
