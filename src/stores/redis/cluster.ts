import { CacheError } from '../../core/errors.ts'
import type { StoreSession } from '../../core/store.ts'
import { dropIfNeverReady, type RedisClusterClient, type RedisConnection } from './client.ts'
import { ClusterMap, pause } from './cluster-map.ts'
import { ClusterNodeConnection } from './cluster-node.ts'
import { ClusterSubscriber } from './cluster-subscriber.ts'
import type { Layout } from './layout.ts'
import { type Redirection, redirectionOf } from './redirection.ts'
import { type Argument, type Servers, SlotMoving } from './servers.ts'
import { slotOf } from './slot.ts'
import { runScript } from './standalone.ts'
import type { Ears, Subscriber } from './subscriber.ts'

/** How often one step is sent on by a node that does not serve its slot. */
const MOST_REDIRECTIONS = 5
const BETWEEN_ATTEMPTS_MS = 100

type Send<T> = (connection: RedisConnection) => Promise<T>

/**
 * A Redis Cluster. Commands are not routed by the client, which resends what may have been executed, but here, over one
 * connection per primary: a step is sent on only where a node has said that it has not executed it.
 */
export class ClusterServers implements Servers {
  readonly publishes = 'SPUBLISH'
  readonly #session: StoreSession
  readonly #layouts: readonly Layout[]
  readonly #scripts: Readonly<Record<string, string>>
  readonly #map: ClusterMap
  readonly #nodes = new Map<string, ClusterNodeConnection>()
  #closed = false

  constructor(
    client: RedisClusterClient,
    layouts: readonly Layout[],
    scripts: Readonly<Record<string, string>>,
    session: StoreSession,
  ) {
    this.#session = session
    this.#layouts = layouts
    this.#scripts = scripts
    this.#map = new ClusterMap(
      client,
      layouts.map(({ state }) => slotOf(state)),
    )
    this.#map.onChange(() => {
      this.#leaveOthers()
      // Behind a partition is another server now, which may have another past.
      session.listener.reconnected()
    })
  }

  async open(): Promise<void> {
    await this.#map.open()
    while (!this.#closed) {
      try {
        await this.#checkVersions(await this.primaries())
        return
      } catch (error) {
        if (!(error instanceof CacheError) || error.code !== 'STORE_UNAVAILABLE') throw error
        this.#map.doubt()
        await pause(this.#session.clock, BETWEEN_ATTEMPTS_MS).over
      }
    }
  }

  async #checkVersions(primaries: readonly RedisConnection[]): Promise<void> {
    for (const primary of primaries) {
      const info = await primary.info('server').catch(() => '')
      const version = /redis_version:(\d+)\.\S+/.exec(info)
      if (version === null || Number(version[1]) >= 7) continue
      throw new CacheError(
        'UNSUPPORTED',
        `redisStore: a Redis Cluster needs Redis 7 or later, for sharded pub/sub; a node has ${version[0].slice('redis_version:'.length)}. Upgrade the cluster, or use a single server.`,
      )
    }
  }

  check(): void {
    if (this.#closed || this.#map.owners.length === 0) throw this.#map.unavailable()
  }

  run(script: string, names: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return this.#route(names, (connection) => runScript(connection, script, names, args), [
      `${script}Buffer`,
      names.length,
      ...names,
      ...args,
    ])
  }

  values(names: readonly string[]): Promise<readonly (Buffer | null)[]> {
    return this.#route(names, (connection) => connection.mgetBuffer(...names), ['mgetBuffer', ...names])
  }

  get(name: string): Promise<string | null> {
    return this.#route([name], (connection) => connection.get(name), ['get', name])
  }

  async unlink(names: readonly string[]): Promise<void> {
    try {
      await this.#route(names, (connection) => connection.unlink(...names), ['unlink', ...names])
    } catch (error) {
      if (!(error instanceof SlotMoving) || names.length === 1) throw error
      await Promise.all(names.map((name) => this.unlink([name])))
    }
  }

  async publish(channel: string, text: string): Promise<void> {
    const send: Send<unknown> = (connection) => connection.spublish(channel, text)
    await this.#route([channel], send, ['spublish', channel, text])
  }

  async primaries(): Promise<readonly RedisConnection[]> {
    const addresses = await this.#map.primaries()
    return Promise.all(addresses.map((address) => this.#node(address).ready()))
  }

  async owners(): Promise<readonly RedisConnection[]> {
    await this.#map.settle()
    return Promise.all(this.#map.owners.map((address) => this.#node(address).ready()))
  }

  async arrangement(): Promise<string | undefined> {
    const places = await Promise.all(this.#layouts.map((layout) => this.#settledAt(layout)))
    if (places.some((place) => place === undefined)) return undefined
    const epochs = await Promise.all(
      [...new Set(places as string[])].map(async (address) => {
        const connection = await this.#node(address).ready()
        // A node that gives a slot away and takes it back has another epoch then.
        const epoch = /cluster_my_epoch:(\d+)/.exec(String(await connection.cluster('INFO')))?.[1]
        return `${address}#${epoch}`
      }),
    )
    return [...places, ...epochs.sort()].join(' ')
  }

  /** The address that serves a partition; undefined while its slot is being moved, which two names show of which one is missing. */
  async #settledAt({ state, nothing }: Layout): Promise<string | undefined> {
    const slot = slotOf(state)
    try {
      await this.#route([state, nothing], (connection) => connection.mgetBuffer(nothing, state), [])
      return this.#map.owner(slot)
    } catch (error) {
      // The state record is a hash, for which MGET has a null, not an error.
      if (error instanceof SlotMoving) return undefined
      throw error
    }
  }

  hear(channels: readonly string[], ears: Ears): Subscriber {
    return new ClusterSubscriber(this.#map, channels, ears, this.#session.clock)
  }

  reconnect(): void {
    this.#map.doubt()
    for (const node of this.#nodes.values()) node.reconnect()
  }

  close(): void {
    this.#closed = true
    this.#map.close()
    for (const node of this.#nodes.values()) node.close()
  }

  /**
   * Sends a step to the node that serves its names, and on to where that node says. A step of one name is sent on to the
   * server that its slot is being moved to, too; one of several may find only some of them there.
   *
   * @param asked the same step as a command of a pipeline
   */
  async #route<T>(names: readonly string[], send: Send<T>, asked: unknown[]): Promise<T> {
    const { clock, timeoutMs } = this.#session
    const slot = slotOf(names[0] as string)
    const deadline = clock.monotonic() + timeoutMs
    let address = this.#map.isInDoubt ? undefined : this.#map.owner(slot)
    if (address === undefined) {
      await this.#map.settle()
      address = this.#map.owner(slot)
    }
    if (address === undefined) throw this.#map.unavailable()
    let asking = false
    for (let hops = 0; ; hops++) {
      const node = this.#node(address)
      const connection = node.forCommand() ?? (await node.ready().catch((error) => this.#doubt(error)))
      // Whoever waited for it has been told by now that it failed.
      if (clock.monotonic() > deadline) throw this.#map.unavailable()
      try {
        return await (asking ? (ask(connection, asked) as Promise<T>) : send(connection))
      } catch (error) {
        const redirection = redirectionOf(error)
        if (redirection === undefined) return this.#doubt(error)
        if (redirection.kind === 'TRYAGAIN' || (redirection.kind === 'ASK' && names.length > 1))
          throw new SlotMoving()
        if (hops === MOST_REDIRECTIONS) return this.#doubt(error)
        address = this.#follow(redirection, slot, address)
        asking = redirection.kind === 'ASK'
      }
    }
  }

  #follow({ kind, address }: Redirection, slot: number, by: string): string {
    const to = this.#map.reachable(address, by)
    if (kind === 'MOVED') this.#map.learn(slot, to)
    return to
  }

  #doubt(error: unknown): never {
    this.#map.doubt()
    throw error
  }

  #node(address: string): ClusterNodeConnection {
    const known = this.#nodes.get(address)
    if (known !== undefined) return known
    const connection = this.#map.dial(address)
    dropIfNeverReady(connection, this.#session.clock)
    const made = new ClusterNodeConnection(
      connection,
      this.#scripts,
      { lost: () => this.#map.doubt(), reconnected: () => this.#session.listener.reconnected() },
      (trouble) => this.#map.unavailable(trouble),
    )
    this.#nodes.set(address, made)
    return made
  }

  /** Closes the connections to nodes that are no primaries any more. */
  #leaveOthers(): void {
    for (const [address, node] of this.#nodes) {
      if (this.#map.isPrimary(address)) continue
      this.#nodes.delete(address)
      node.close()
    }
  }
}

/** Sends a command to a node that its slot is being moved to. */
async function ask(connection: RedisConnection, command: unknown[]): Promise<unknown> {
  const replies = await connection.pipeline([['asking'], command]).exec()
  const [error, reply] = replies?.[1] ?? [new Error('The pipeline was not executed.')]
  if (error !== null) throw error
  return reply
}
