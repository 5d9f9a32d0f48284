import type { CacheError } from '../../core/errors.ts'
import { dropIfDead, type RedisConnection } from './client.ts'
import { GatheredWrites } from './gathered-writes.ts'

/** What a connection tells of itself. */
export interface NodeEvents {
  /** It was closed: another node may have taken over. */
  lost(): void
  /** It was made anew: the node may have another past. */
  reconnected(): void
}

/** The connection for commands to one node of a cluster. */
export class ClusterNodeConnection {
  readonly #connection: RedisConnection
  readonly #writes: GatheredWrites
  readonly #unavailable: (trouble: Error | undefined) => CacheError
  #trouble: Error | undefined
  #ready: Promise<RedisConnection> | undefined

  constructor(
    connection: RedisConnection,
    scripts: Readonly<Record<string, string>>,
    on: NodeEvents,
    unavailable: (trouble: Error | undefined) => CacheError,
  ) {
    this.#connection = connection
    this.#writes = new GatheredWrites(() => connection.stream)
    this.#unavailable = unavailable
    for (const [name, lua] of Object.entries(scripts)) connection.defineCommand(name, { lua })
    connection.on('error', (error: Error) => {
      this.#trouble = error
    })
    let connected = false
    connection.on('ready', () => {
      this.#trouble = undefined
      if (connected) on.reconnected()
      connected = true
    })
    connection.on('close', on.lost)
  }

  /** The connection, for one command, if that can be sent on it now. */
  forCommand(): RedisConnection | undefined {
    if (this.#connection.status !== 'ready') return undefined
    this.#writes.beforeCommand()
    return this.#connection
  }

  /** The connection, once it has been made; rejects at once where it was lost, until it has been made anew. */
  async ready(): Promise<RedisConnection> {
    const { status } = this.#connection
    if (status === 'ready') return this.#connection
    if (status === 'wait') {
      this.#ready = this.#connection.connect().then(
        () => this.#connection,
        (error) => Promise.reject(this.#unavailable(this.#trouble ?? (error as Error))),
      )
    }
    const making = status === 'wait' || status === 'connecting' || status === 'connect'
    if (!making || this.#ready === undefined) throw this.#unavailable(this.#trouble)
    return this.#ready
  }

  reconnect(): void {
    dropIfDead(this.#connection)
  }

  close(): void {
    this.#connection.disconnect()
  }
}
