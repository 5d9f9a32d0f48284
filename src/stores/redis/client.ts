import type { CancelTimer, Clock } from '../../core/clock.ts'
import type { Corkable } from './gathered-writes.ts'

/** The part of an `ioredis` client (5.6 or later, or 6) that is used, so that its package need not be imported. */
export interface RedisClient {
  readonly status: string
  readonly options: {
    readonly keyPrefix?: string | undefined
    readonly db?: number | undefined
    readonly role?: unknown
    readonly readOnly?: boolean | undefined
  }
  readonly isCluster?: boolean
  duplicate(override?: Record<string, unknown>): RedisConnection
}

/** The part of an `ioredis` Cluster client that is used. */
export interface RedisClusterClient {
  readonly status: string
  readonly options: {
    readonly keyPrefix?: string | undefined
    readonly scaleReads?: unknown
    readonly natMap?: unknown
    readonly redisOptions?: object | undefined
  }
  readonly isCluster: boolean
  duplicate(startupNodes?: never[], override?: Record<string, unknown>): ClusterDiscovery
}

/** A Cluster client of the store's own: it knows which node serves which slot, and sends no command of the store. */
export interface ClusterDiscovery {
  readonly status: string
  /** For each slot the addresses of its nodes, `HOST:PORT`, the primary first. */
  readonly slots: readonly (readonly string[] | undefined)[]
  nodes(role: 'master' | 'all'): readonly ClusterNode[]
  refreshSlotsCache(callback: (error?: Error | null) => void): void
  connect(): Promise<unknown>
  disconnect(reconnect?: boolean): void
  on(event: string, listener: (error: Error) => void): unknown
}

/** A node as the Cluster client knows it: with its address, credentials and TLS options. */
export interface ClusterNode {
  readonly options: { readonly host?: string | undefined; readonly port?: number | undefined }
  duplicate(override?: Record<string, unknown>): RedisConnection
}

/** A connection of the store's own, made by `duplicate` and closed by the store. */
export interface RedisConnection {
  readonly status: string
  /** Absent until the first connection is made. */
  readonly stream?: Corkable | undefined
  connect(): Promise<unknown>
  disconnect(reconnect?: boolean): void
  defineCommand(name: string, definition: { readonly lua: string }): void
  pipeline(commands: unknown[][]): { exec(): Promise<[error: Error | null, reply: unknown][] | null> }
  mgetBuffer(...keys: string[]): Promise<(Buffer | null)[]>
  get(key: string): Promise<string | null>
  scan(
    cursor: string,
    match: 'MATCH',
    pattern: string,
    count: 'COUNT',
    number: number,
  ): Promise<[string, string[]]>
  info(section: string): Promise<string>
  cluster(subcommand: 'INFO'): Promise<unknown>
  unlink(...keys: string[]): Promise<number>
  publish(channel: string, message: string): Promise<unknown>
  spublish(channel: string, message: string): Promise<unknown>
  subscribe(...channels: string[]): Promise<unknown>
  ssubscribe(...channels: string[]): Promise<unknown>
  on(event: string, listener: (...args: never[]) => void): unknown
}

/** Options of the store's own connections, over those of the client they are duplicated from. */
export function connectionOptions(): Record<string, unknown> {
  return {
    // Commands must fail at once while there is no connection, and must never be sent twice: a late claim or fill
    // would be judged by rules that have moved on.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: true,
    // What is sent together is written together by the store itself.
    enableAutoPipelining: false,
    autoResubscribe: false,
    lazyConnect: true,
    // A connection that cannot be made is tried anew by ioredis itself.
    connectTimeout: 2_000,
    // A server that is frozen or cut off never answers our goodbye.
    disconnectTimeout: 250,
    // The store's names carry the client's prefix themselves, because channels are not prefixed by every version.
    keyPrefix: '',
    retryStrategy: retryLater,
  }
}

/** How long to wait before the nth attempt to connect, in milliseconds. */
export function retryLater(attempt: number): number {
  return Math.min(25 * 2 ** Math.min(attempt, 5), 500)
}

/** How long a connection that was made may take until the server has answered on it. */
const READY_MS = 2_000

/**
 * Has a connection made anew on which the server never says a word: a frozen one takes it all the same, and ioredis
 * waits for the answer for ever, also once another server is in its place.
 */
export function dropIfNeverReady(connection: RedisConnection, clock: Clock): void {
  let cancel: CancelTimer = () => {}
  connection.on('connect', () => {
    cancel()
    cancel = clock.after(READY_MS, () => {
      if (connection.status === 'connect') connection.disconnect(true)
    })
  })
  connection.on('ready', () => cancel())
  connection.on('close', () => cancel())
}

/**
 * Makes a connection anew that claims to stand and may be dead. One that is being made is left alone: in a process that
 * is busy it would otherwise never be finished.
 */
export function dropIfDead(connection: RedisConnection): void {
  if (connection.status === 'ready') connection.disconnect(true)
}
