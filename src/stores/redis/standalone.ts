import { CacheError } from '../../core/errors.ts'
import type { StoreSession } from '../../core/store.ts'
import {
  connectionOptions,
  dropIfDead,
  dropIfNeverReady,
  type RedisClient,
  type RedisConnection,
} from './client.ts'
import { GatheredWrites } from './gathered-writes.ts'
import type { Argument, Servers } from './servers.ts'
import { StandaloneSubscriber } from './standalone-subscriber.ts'
import type { Ears, Subscriber } from './subscriber.ts'

type Command = (...args: Argument[]) => Promise<unknown>

/** One server, alone or through Sentinel: one connection for everything but hearing. */
export class StandaloneServers implements Servers {
  readonly publishes = 'PUBLISH'
  readonly #client: RedisClient
  readonly #session: StoreSession
  readonly #connection: RedisConnection
  readonly #writes: GatheredWrites
  /** What went wrong last, on a connection that has not been ready since. */
  #trouble: Error | undefined

  constructor(client: RedisClient, scripts: Readonly<Record<string, string>>, session: StoreSession) {
    this.#client = client
    this.#session = session
    this.#connection = client.duplicate(connectionOptions())
    this.#writes = new GatheredWrites(() => this.#connection.stream)
    for (const [name, lua] of Object.entries(scripts)) this.#connection.defineCommand(name, { lua })
    // The gate in front of this store tells of the outage; without a listener an error would end the process.
    this.#connection.on('error', (error: Error) => {
      this.#trouble = error
    })
    dropIfNeverReady(this.#connection, session.clock)
    let connected = false
    this.#connection.on('ready', () => {
      this.#trouble = undefined
      if (connected) session.listener.reconnected()
      connected = true
    })
  }

  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#connection.on('ready', () => resolve())
      this.#connection.connect().catch(() => {})
    })
  }

  check(): void {
    if (this.#connection.status === 'ready') return
    const trouble = this.#trouble?.message || `its connection is in state ${this.#connection.status}`
    throw new CacheError('STORE_UNAVAILABLE', `Redis cannot be reached: ${trouble}.`, {
      cause: this.#trouble,
    })
  }

  /** The connection, for one command. */
  #forCommand(): RedisConnection {
    this.#writes.beforeCommand()
    return this.#connection
  }

  run(script: string, names: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return runScript(this.#forCommand(), script, names, args)
  }

  values(names: readonly string[]): Promise<readonly (Buffer | null)[]> {
    return this.#forCommand().mgetBuffer(...names)
  }

  get(name: string): Promise<string | null> {
    return this.#forCommand().get(name)
  }

  async unlink(names: readonly string[]): Promise<void> {
    await this.#forCommand().unlink(...names)
  }

  async publish(channel: string, text: string): Promise<void> {
    await this.#forCommand().publish(channel, text)
  }

  async primaries(): Promise<readonly RedisConnection[]> {
    return [this.#connection]
  }

  async owners(): Promise<readonly RedisConnection[]> {
    return [this.#connection]
  }

  async arrangement(): Promise<string> {
    return ''
  }

  hear(channels: readonly string[], ears: Ears): Subscriber {
    return new StandaloneSubscriber(this.#client, channels, ears, this.#session.clock)
  }

  reconnect(): void {
    dropIfDead(this.#connection)
  }

  close(): void {
    this.#connection.disconnect()
  }
}

/** Runs a script that was defined on the connection. Where the server has forgotten it, ioredis gives it once more: it has not run. */
export function runScript(
  connection: RedisConnection,
  script: string,
  names: readonly string[],
  args: readonly Argument[],
): Promise<unknown> {
  const commands = connection as unknown as Record<string, Command>
  return (commands[`${script}Buffer`] as Command).call(connection, names.length, ...names, ...args)
}
