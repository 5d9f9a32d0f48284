import type { Redis } from 'ioredis'

/** What a Redis did in some time. */
export interface RedisLoad {
  readonly seconds: number
  /** Commands that clients sent and that scripts ran. */
  readonly commands: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Processor time, in seconds. */
  readonly cpu: number
}

/** What the server does while `body` runs, without what this measurement does. */
export async function redisLoad(redis: Redis, body: () => Promise<unknown>): Promise<RedisLoad> {
  const before = await sample(redis)
  await body()
  const after = await sample(redis)
  const own = await sample(redis)
  const during = (name: keyof RedisLoad) => after[name] - before[name] - (own[name] - after[name])
  return {
    seconds: after.seconds - before.seconds,
    commands: during('commands'),
    bytesIn: during('bytesIn'),
    bytesOut: during('bytesOut'),
    cpu: after.cpu - before.cpu,
  }
}

async function sample(redis: Redis): Promise<RedisLoad> {
  const info = `${await redis.info('stats')}${await redis.info('cpu')}`
  const number = (name: string) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1] ?? Number.NaN)
  return {
    seconds: performance.now() / 1e3,
    commands: number('total_commands_processed'),
    bytesIn: number('total_net_input_bytes'),
    bytesOut: number('total_net_output_bytes'),
    cpu: number('used_cpu_user') + number('used_cpu_sys'),
  }
}
