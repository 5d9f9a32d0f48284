import { CacheError } from '../../core/errors.ts'
import type { Cause } from '../../core/events.ts'
import type { Pattern } from '../../core/pattern.ts'
import type { StampName } from '../../core/stamp.ts'
import {
  type FillReply,
  type FillRequest,
  type HeartbeatReply,
  type KeyPlace,
  type LockReply,
  type LockRequest,
  type ReadItem,
  type ReadReply,
  type ReadResult,
  type RotateReply,
  type RotateRequest,
  type Store,
  type StoreSession,
  settingsMismatch,
} from '../../core/store.ts'
import { within } from '../../core/within.ts'
import { RedisBus } from './bus.ts'
import { withoutChecksum } from './checksum.ts'
import { connectionOptions, dropIfDead, type RedisClient, type RedisConnection } from './client.ts'
import { Hearing } from './hearing.ts'
import { checkForLocks, type Inspected, inspect, warningsOf } from './inspection.ts'
import { Layout, partitionOf } from './layout.ts'
import { encodeBody } from './message.ts'
import { inParts } from './parts.ts'
import { type Rotated, Scripts } from './scripts.ts'
import { sweepKeys } from './sweep.ts'

const READ_ATTEMPTS = 4
/** After how many times T without a heartbeat a process is no longer a lease holder. */
const HOLDERS_KEPT = 10

/** The store of one cache on Redis: routes each step to the partitions it concerns. */
export class RedisStore implements Store {
  readonly #session: StoreSession
  readonly #layouts: readonly Layout[]
  readonly #connection: RedisConnection
  readonly #scripts: Scripts
  readonly #bus: RedisBus
  readonly #hearing: Hearing
  /** What went wrong last, on a connection that has not been ready since. */
  #trouble: Error | undefined

  constructor(client: RedisClient, partitions: number, session: StoreSession) {
    this.#session = session
    const { keyPrefix = '', db } = client.options
    const { namespace, name } = session
    this.#layouts = Array.from(
      { length: partitions },
      (_, at) => new Layout(keyPrefix, namespace, name, at, db),
    )
    this.#connection = client.duplicate({
      ...connectionOptions(),
      enableAutoPipelining: true,
      autoPipeliningIgnoredCommands: ['mget'],
    })
    // The gate in front of this store tells of the outage; without a listener an error would end the process.
    this.#connection.on('error', (error: Error) => {
      this.#trouble = error
    })
    let connected = false
    this.#connection.on('ready', () => {
      this.#trouble = undefined
      if (connected) session.listener.reconnected()
      connected = true
    })
    this.#scripts = new Scripts(this.#connection, session.randomness)
    this.#hearing = new Hearing(this.#connection, this.#layouts, session)
    this.#bus = new RedisBus(client, { layouts: this.#layouts, name, session, hearing: this.#hearing })
  }

  async open(): Promise<void> {
    await Promise.all([this.#connect(), this.#bus.open()])
    if (this.#session.lockMs > 0) checkForLocks(await this.#server())
    await Promise.all(this.#layouts.map((layout) => this.#register(layout)))
  }

  async inspect(): Promise<readonly string[]> {
    this.#checkConnection()
    const server = await this.#server()
    const { trouble } = this.#bus
    const deaf =
      trouble === undefined ? [] : [`Redis refuses the subscription, so that memory is not used: ${trouble}`]
    return [...warningsOf(server, this.#session.lockMs > 0), ...deaf]
  }

  #server(): Promise<Inspected> {
    return inspect(this.#connection, (this.#layouts[0] as Layout).nothing)
  }

  partition({ shard }: KeyPlace): number {
    return partitionOf(shard, this.#layouts.length)
  }

  async values(keys: readonly KeyPlace[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.#checkConnection()
    const names = keys.map((place) => this.#layout(place).value(place.key))
    const values = await Promise.all(
      inParts(names, () => 1).map((part) => this.#connection.mgetBuffer(...part)),
    )
    return values.flat().map((value) => (value === null ? undefined : withoutChecksum(value)))
  }

  async read(items: readonly ReadItem[]): Promise<ReadReply> {
    this.#checkConnection()
    const results: ReadResult[] = []
    const parts = this.#byPartition(items).flatMap(([partition, all]) =>
      inParts(all, (index) => (items[index]?.stamps.length ?? 0) + 2).map((at) => ({ partition, at })),
    )
    const positions = await Promise.all(
      parts.map(async ({ partition, at }) => {
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
    const reply = await this.#hearing.expecting(cause, [partition], heard, () =>
      this.#scripts.fill(this.#layout(request), request, body, this.#holderMs(heard)),
    )
    return { stored: reply.stored, heard: this.#hearing.heard(cause, [[partition, reply.holders]], heard) }
  }

  renew(place: KeyPlace, nonce: string, ttlMs: number): Promise<boolean> {
    return this.#scripts.claim(this.#layout(place), place.key, nonce, ttlMs)
  }

  async release(place: KeyPlace, nonce: string): Promise<void> {
    await this.#scripts.claim(this.#layout(place), place.key, nonce, 0)
  }

  async rotate({ stamps, keys, cause, lock, heard = false }: RotateRequest): Promise<RotateReply> {
    const all: readonly (StampName | KeyPlace)[] = [...stamps, ...keys]
    const parts = inParts(all, (one) => (typeof one === 'string' ? 1 : 2))
    // Whoever acknowledges the last part has heard those before it.
    const messages = (parts.length === 0 ? [[]] : parts).map((part, at) => {
      const last = at === Math.max(0, parts.length - 1)
      const names = part.filter((one) => typeof one === 'string')
      const places = part.filter((one) => typeof one === 'object')
      const told = places.map(({ key }) => key)
      const body = this.#body(names, told, false, cause, heard && last)
      return { stamps: names, places, body, lock, holderMs: this.#holderMs(heard && last) }
    })
    return this.#everywhere(cause, heard, async (layout, partition) => {
      let rotated: Rotated | undefined
      for (const message of messages) {
        const places = message.places.filter((place) => this.partition(place) === partition)
        rotated = await this.#scripts.rotate(layout, partition, { ...message, places })
      }
      return rotated as Rotated
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
    const { clock, timeoutMs } = this.#session
    const bounded = <T>(step: () => Promise<T>): Promise<T> => within(clock, timeoutMs, step)
    this.#checkConnection()
    await sweepKeys(this.#connection, this.#layouts, patterns, bounded)
    const body = this.#body([], [], true, cause, heard)
    const holderMs = this.#holderMs(heard)
    return bounded(() =>
      this.#everywhere(cause, heard, (layout, partition) =>
        this.#scripts.rotate(layout, partition, { stamps: [], places: [], body, holderMs }),
      ),
    )
  }

  /** One step in every partition; where asked, `heard` resolves when all holders of all of them have acknowledged. */
  async #everywhere(
    cause: Cause,
    heard: boolean,
    step: (layout: Layout, partition: number) => Promise<Rotated>,
  ): Promise<RotateReply> {
    this.#checkConnection()
    const partitions = [...this.#layouts.keys()]
    const replies = await this.#hearing.expecting(cause, partitions, heard, () =>
      Promise.all(this.#layouts.map(step)),
    )
    return {
      positions: replies.map(({ position }) => position),
      maps: [...new Set(replies.flatMap(({ maps }) => maps))],
      heard: this.#hearing.heard(
        cause,
        replies.map(({ holders }, partition) => [partition, holders]),
        heard,
      ),
    }
  }

  #holderMs(heard: boolean): number {
    return heard ? this.#session.maxStalenessMs : 0
  }

  async heartbeat(): Promise<HeartbeatReply> {
    const { map, process, maxStalenessMs, settings } = this.#session
    this.#checkConnection()
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

  reconnect(what?: 'subscription'): void {
    if (what === undefined) dropIfDead(this.#connection)
    this.#bus.reconnect()
  }

  async close(): Promise<void> {
    this.#bus.close()
    this.#connection.disconnect()
  }

  /** @throws CacheError `STORE_UNAVAILABLE` that says what is wrong; a client without a connection does not. */
  #checkConnection(): void {
    if (this.#connection.status === 'ready') return
    const trouble = this.#trouble?.message || `its connection is in state ${this.#connection.status}`
    throw new CacheError('STORE_UNAVAILABLE', `Redis cannot be reached: ${trouble}.`, {
      cause: this.#trouble,
    })
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
      const group = groups.get(partition)
      if (group === undefined) groups.set(partition, [at])
      else group.push(at)
    }
    return [...groups]
  }
}
