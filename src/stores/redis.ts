import { CacheError, show } from '../core/errors.ts'
import type { Cause } from '../core/events.ts'
import { checkCount, checkOptions } from '../core/options.ts'
import type { Pattern } from '../core/pattern.ts'
import type { StampName } from '../core/stamp.ts'
import {
  type FillReply,
  type FillRequest,
  type HeartbeatReply,
  type InvalidationMessage,
  type KeyPlace,
  type LockReply,
  type LockRequest,
  type ReadItem,
  type ReadReply,
  type ReadResult,
  type RotateReply,
  type RotateRequest,
  type Store,
  type StoreDriver,
  type StoreSession,
  settingsMismatch,
} from '../core/store.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { RedisBus } from './redis-bus.ts'
import { connectionOptions, type RedisClient, type RedisConnection } from './redis-client.ts'
import { Layout, partitionOf } from './redis-layout.ts'
import { encodeAcknowledgement, encodeBody } from './redis-message.ts'
import { type Rotated, Scripts } from './redis-scripts.ts'

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /**
   * A client of `ioredis` (5.6 or later, or 6), standalone or through Sentinel. It is never used itself: the store
   * makes two connections of its own from it with `duplicate()`, one for commands and one for invalidations, and
   * closes them with the cache. Closing the client remains its owner's.
   */
  readonly client: RedisClient
  /** Into how many partitions (hash tags) the keys are split; the same in every process of the namespace. @default 1 */
  readonly partitions?: number | undefined
}

const SCAN_COUNT = 500
const READ_ATTEMPTS = 4
/** After how many times T without a heartbeat a process is no longer a lease holder. */
const HOLDERS_KEPT = 10

/**
 * The shared tier on Redis 6.2 or later (or Valkey): one cache for a fleet of processes.
 *
 * @throws CacheError `INVALID_OPTION` for anything that is no client, or a client that may read from replicas;
 *   `UNSUPPORTED` for a Redis Cluster client.
 *
 * @example
 * ```ts
 * // prelude: redis
 * import { createCache } from 'coherent-cache'
 * import { redisStore } from 'coherent-cache/redis'
 *
 * const cache = createCache({ name: 'finance', store: redisStore({ client: redis }) })
 * await cache.ready({ timeout: '2s' })
 * ```
 */
export function redisStore(options: RedisStoreOptions): StoreDriver {
  checkOptions(options, ['client', 'partitions'], 'redisStore')
  const client: Partial<RedisClient> | undefined = options?.client
  if (typeof client?.duplicate !== 'function' || typeof client.options !== 'object') {
    throw new CacheError(
      'INVALID_OPTION',
      `redisStore: client: ${show(client)} is no ioredis client. Pass new Redis(…).`,
    )
  }
  if (client.isCluster === true) {
    throw new CacheError(
      'UNSUPPORTED',
      'redisStore: a Redis Cluster client is not supported yet. Pass a standalone or Sentinel client.',
    )
  }
  const partitions =
    options.partitions === undefined ? 1 : checkCount(options.partitions, 1, 'redisStore: partitions')
  const given = client as RedisClient
  return {
    kind: 'redis',
    holdsValues: true,
    connect: (session) => new RedisStore(given, partitions, session),
  }
}

class RedisStore implements Store {
  readonly #session: StoreSession
  readonly #layouts: readonly Layout[]
  readonly #connection: RedisConnection
  readonly #scripts: Scripts
  readonly #bus: RedisBus
  readonly #acknowledgements: Acknowledgements

  constructor(client: RedisClient, partitions: number, session: StoreSession) {
    this.#session = session
    const prefix = client.options.keyPrefix ?? ''
    const { namespace, name } = session
    this.#layouts = Array.from({ length: partitions }, (_, at) => new Layout(prefix, namespace, name, at))
    this.#connection = client.duplicate({ ...connectionOptions(), enableAutoPipelining: true })
    // The gate in front of this store tells of the outage; without a listener an error would end the process.
    this.#connection.on('error', () => {})
    this.#scripts = new Scripts(this.#connection, session.randomness)
    this.#acknowledgements = new Acknowledgements(session.clock, session.maxStalenessMs)
    this.#bus = new RedisBus(client, {
      layouts: this.#layouts,
      name,
      process: session.process,
      listener: session.listener,
      acknowledgements: this.#acknowledgements,
      acknowledge: (message) => this.#acknowledge(message),
    })
  }

  async open(): Promise<void> {
    await Promise.all([this.#connect(), this.#bus.open()])
    await Promise.all(this.#layouts.map((layout) => this.#register(layout)))
  }

  partition({ shard }: KeyPlace): number {
    return partitionOf(shard, this.#layouts.length)
  }

  async values(keys: readonly KeyPlace[]): Promise<readonly (Uint8Array | undefined)[]> {
    const values = await this.#connection.mgetBuffer(
      ...keys.map((place) => this.#layout(place).value(place.key)),
    )
    return values.map((value) => value ?? undefined)
  }

  async read(items: readonly ReadItem[]): Promise<ReadReply> {
    const results: ReadResult[] = []
    const positions = await Promise.all(
      this.#byPartition(items).map(async ([partition, at]) => {
        const asked = at.map((index) => items[index] as ReadItem)
        const reply = await this.#readPartition(partition, asked)
        for (const [order, index] of at.entries()) results[index] = reply.results[order] as ReadResult
        return reply.position
      }),
    )
    return { positions, results }
  }

  async #readPartition(partition: number, asked: readonly ReadItem[]) {
    const { map, lockMs } = this.#session
    const layout = this.#layouts[partition] as Layout
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const reply = await this.#scripts.read(layout, partition, map, asked, lockMs)
      if (reply === undefined) await this.#register(layout)
      else if (reply.expired.length === 0) return reply
      // Nobody told how the transaction under an expired lock has ended: what it was about to void is void.
      else await this.#prune(layout, partition, reply.expired)
    }
    throw new CacheError(
      'STORE_REPLY',
      'The map could not be registered in the store, or locks expire faster than they are pruned.',
    )
  }

  #prune(layout: Layout, partition: number, stamps: readonly StampName[]): Promise<Rotated> {
    const body = this.#body(stamps, [], false, undefined, false)
    return this.#scripts.rotate(layout, partition, { stamps, places: [], body })
  }

  async fill(request: FillRequest): Promise<FillReply> {
    const cause = { id: request.nonce, process: this.#session.process, tables: [] }
    const heard = request.publish && request.heard === true
    const body = request.publish ? this.#body([], [request.key], false, cause, heard) : ''
    const partition = this.partition(request)
    const reply = await this.#expecting(cause, [partition], heard, () =>
      this.#scripts.fill(this.#layout(request), request, body, this.#holderMs(heard)),
    )
    return { stored: reply.stored, heard: this.#heard(cause, [[partition, reply.holders]], heard) }
  }

  renew(place: KeyPlace, nonce: string, ttlMs: number): Promise<boolean> {
    return this.#scripts.claim(this.#layout(place), place.key, nonce, ttlMs)
  }

  async release(place: KeyPlace, nonce: string): Promise<void> {
    await this.#scripts.claim(this.#layout(place), place.key, nonce, 0)
  }

  async rotate({ stamps, keys, cause, lock, heard = false }: RotateRequest): Promise<RotateReply> {
    const names = keys.map(({ key }) => key)
    const body = this.#body(stamps, names, false, cause, heard)
    return this.#everywhere(cause, heard, (layout, partition) => {
      const places = keys.filter((place) => this.partition(place) === partition)
      return this.#scripts.rotate(layout, partition, {
        stamps,
        places,
        body,
        lock,
        holderMs: this.#holderMs(heard),
      })
    })
  }

  async lock({ stamps, lock, cause, heard = false }: LockRequest): Promise<LockReply> {
    const { lockMs } = this.#session
    const body = this.#body(stamps, [], false, cause, heard)
    const wanted = { id: lock, ms: lockMs, holderMs: this.#session.maxStalenessMs }
    let added = 0
    const reply = await this.#everywhere(cause, heard, async (layout, partition) => {
      const locked = await this.#scripts.lock(layout, partition, stamps, wanted, body)
      added = Math.max(added, locked.added)
      // Where nothing was added nothing was published, so that nobody acknowledges.
      return locked.added > 0 ? locked : { ...locked, holders: [] }
    })
    return { ...reply, added }
  }

  async sweep(patterns: readonly Pattern[], cause: Cause, heard = false): Promise<RotateReply> {
    for (const kind of ['claims', 'values'] as const) {
      for (const pattern of patterns) {
        for (const layout of this.#layouts)
          await this.#sweepOne(layout, layout.scans(globOf(pattern))[kind], pattern)
      }
    }
    const body = this.#body([], [], true, cause, heard)
    const holderMs = this.#holderMs(heard)
    return this.#everywhere(cause, heard, (layout, partition) =>
      this.#scripts.rotate(layout, partition, { stamps: [], places: [], body, holderMs }),
    )
  }

  /** One step in every partition; where asked, `heard` resolves when all holders of all of them have acknowledged. */
  async #everywhere(
    cause: Cause,
    heard: boolean,
    step: (layout: Layout, partition: number) => Promise<Rotated>,
  ): Promise<RotateReply> {
    const partitions = [...this.#layouts.keys()]
    const replies = await this.#expecting(cause, partitions, heard, () =>
      Promise.all(this.#layouts.map(step)),
    )
    return {
      positions: replies.map(({ position }) => position),
      maps: [...new Set(replies.flatMap(({ maps }) => maps))],
      heard: this.#heard(
        cause,
        replies.map(({ holders }, partition) => [partition, holders]),
        heard,
      ),
    }
  }

  /** Runs a step whose acknowledgements may be faster than its reply. */
  async #expecting<T>(
    cause: Cause,
    partitions: readonly number[],
    heard: boolean,
    step: () => Promise<T>,
  ): Promise<T> {
    if (!heard) return step()
    for (const partition of partitions) this.#acknowledgements.expect(`${cause.id}:${partition}`)
    try {
      return await step()
    } catch (error) {
      for (const partition of partitions) this.#acknowledgements.forget(`${cause.id}:${partition}`)
      throw error
    }
  }

  #heard(
    cause: Cause,
    holders: readonly (readonly [number, readonly string[]])[],
    heard: boolean,
  ): Promise<void> | undefined {
    if (!heard) return undefined
    const waits = holders.map(([partition, processes]) => {
      const others = processes.filter((process) => process !== this.#session.process)
      return this.#acknowledgements.wait(`${cause.id}:${partition}`, others)
    })
    return Promise.all(waits).then(() => {})
  }

  #holderMs(heard: boolean): number {
    return heard ? this.#session.maxStalenessMs : 0
  }

  #acknowledge({ cause, partition }: InvalidationMessage): void {
    const layout = this.#layouts[0]
    if (cause === undefined || layout === undefined || cause.process === this.#session.process) return
    const text = encodeAcknowledgement(cause.id, partition, this.#session.process)
    // Unsent, it costs its maker a wait until this process's lease has run out.
    this.#connection.publish(layout.acknowledgements(cause.process), text).catch(() => {})
  }

  async heartbeat(): Promise<HeartbeatReply> {
    const { map, process, maxStalenessMs, settings } = this.#session
    if (!this.#bus.isSubscribed)
      throw new CacheError('STORE_UNAVAILABLE', 'Invalidations by other processes are not being heard.')
    const replies = await Promise.all(
      this.#layouts.map(async (layout, partition) => {
        const beat = () =>
          this.#scripts.heartbeat(
            layout,
            partition,
            map,
            process,
            HOLDERS_KEPT * maxStalenessMs,
            this.#settings(settings),
          )
        const reply = await beat()
        this.#checkSettings(reply.differing)
        if (reply.registered && reply.registration !== '') return reply
        await this.#register(layout)
        return beat()
      }),
    )
    return {
      positions: replies.map(({ position }) => position),
      registrations: replies.map(({ registration }) => registration),
    }
  }

  async skeleton(digest: string): Promise<string | undefined> {
    for (const layout of this.#layouts) {
      const text = await this.#connection.get(layout.map(digest))
      if (text !== null) return text
    }
    return undefined
  }

  reconnect(): void {
    this.#connection.disconnect(true)
    this.#bus.reconnect()
  }

  async close(): Promise<void> {
    this.#bus.close()
    this.#connection.disconnect()
  }

  /** Resolves when commands can be sent; ioredis goes on trying by itself where the first attempt fails. */
  #connect(): Promise<void> {
    return new Promise((resolve) => {
      this.#connection.on('ready', () => resolve())
      this.#connection.connect().catch(() => {})
    })
  }

  async #register(layout: Layout): Promise<void> {
    const { map, settings } = this.#session
    this.#checkSettings(await this.#scripts.register(layout, map, this.#settings(settings)))
  }

  #settings(shared: string): string {
    return `${shared}, ${this.#layouts.length} partition${this.#layouts.length === 1 ? '' : 's'}`
  }

  #checkSettings(inForce: string): void {
    const { namespace, settings } = this.#session
    if (inForce !== '') throw settingsMismatch(namespace, this.#settings(settings), inForce)
  }

  async #sweepOne(layout: Layout, match: string, pattern: Pattern): Promise<void> {
    let cursor = '0'
    do {
      const [next, names] = await this.#connection.scan(cursor, 'MATCH', match, 'COUNT', SCAN_COUNT)
      const matching = names.filter((name) => pattern.test(layout.keyOf(name)))
      if (matching.length > 0) await this.#connection.unlink(...matching)
      cursor = next
    } while (cursor !== '0')
  }

  #body(
    stamps: readonly string[],
    keys: readonly string[],
    everyKey: boolean,
    cause: Cause | undefined,
    heard: boolean,
  ): string {
    return encodeBody({ stamps, keys, everyKey, name: this.#session.name, cause, heard })
  }

  #layout(place: KeyPlace): Layout {
    return this.#layouts[this.partition(place)] as Layout
  }

  /** The indices of the items of each partition that has any. */
  #byPartition(items: readonly KeyPlace[]): [number, number[]][] {
    const groups = new Map<number, number[]>()
    for (const [at, item] of items.entries()) {
      const partition = this.partition(item)
      groups.set(partition, [...(groups.get(partition) ?? []), at])
    }
    return [...groups]
  }
}

/** A pattern of ours as SCAN matches it; captures are wider there, and checked by the pattern itself. */
function globOf(pattern: Pattern): string {
  return pattern.text.replace(/\{[^{}]*\}/g, '*')
}

export type { RedisClient } from './redis-client.ts'
