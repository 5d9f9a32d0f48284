import { CacheError } from '../../core/errors.ts'
import type { Cause } from '../../core/events.ts'
import { PRIMARY_SOURCE } from '../../core/load-source.ts'
import type { Pattern } from '../../core/pattern.ts'
import { ROOT, type StampName } from '../../core/stamp.ts'
import {
  type FillReply,
  type FillRequest,
  type HeartbeatReply,
  type KeyPlace,
  type Leads,
  type LockReply,
  type LockRequest,
  type Position,
  type ReadItem,
  type ReadReply,
  type ReadResult,
  type RotateReply,
  type RotateRequest,
  type Store,
  type StoreSession,
  type SweepReply,
  settingsMismatch,
} from '../../core/store.ts'
import { within } from '../../core/within.ts'
import { RedisBus } from './bus.ts'
import { withoutChecksum } from './checksum.ts'
import { Hearing } from './hearing.ts'
import { checkForLocks, type Inspected, inspect, warningsOf } from './inspection.ts'
import { type Layout, partitionOf } from './layout.ts'
import { RedisLeads } from './leads.ts'
import { encodeBody, withPosition } from './message.ts'
import { cutUp, inParts } from './parts.ts'
import { orWhileMoving, Piecewise } from './piecewise.ts'
import { type Rotated, type Rotation, Scripts } from './scripts.ts'
import type { Servers } from './servers.ts'
import { sweepKeys } from './sweep.ts'

const READ_ATTEMPTS = 4
/** After how many times T without a heartbeat a process is no longer a lease holder. */
const HOLDERS_KEPT = 10

/** The store of one cache on Redis: routes each step to the partitions it concerns. */
export class RedisStore implements Store {
  readonly #session: StoreSession
  readonly #layouts: readonly Layout[]
  readonly #servers: Servers
  readonly #scripts: Scripts
  readonly #piecewise: Piecewise
  readonly #bus: RedisBus
  readonly #hearing: Hearing
  readonly leads: Leads

  constructor(servers: Servers, layouts: readonly Layout[], session: StoreSession) {
    this.#session = session
    this.#layouts = layouts
    this.#servers = servers
    this.#scripts = new Scripts(servers, session.randomness)
    this.leads = new RedisLeads(servers, layouts)
    this.#piecewise = new Piecewise(this.#scripts, servers, withPosition)
    this.#hearing = new Hearing(servers, layouts, session)
    this.#bus = new RedisBus(servers, { layouts, session, hearing: this.#hearing })
  }

  async open(): Promise<void> {
    await Promise.all([this.#servers.open(), this.#bus.open()])
    if (this.#session.lockMs > 0) for (const server of await this.#inspected()) checkForLocks(server)
    await Promise.all(this.#layouts.map((layout) => this.#register(layout)))
  }

  async inspect(): Promise<readonly string[]> {
    this.#servers.check()
    const locks = this.#session.lockMs > 0
    const warnings = (await this.#inspected()).flatMap((server) => warningsOf(server, locks))
    const { trouble } = this.#bus
    const deaf =
      trouble === undefined ? [] : [`Redis refuses the subscription, so that memory is not used: ${trouble}`]
    return [...new Set(warnings), ...deaf]
  }

  async #inspected(): Promise<readonly Inspected[]> {
    const nothing = (this.#layouts[0] as Layout).nothing
    return Promise.all((await this.#servers.primaries()).map((server) => inspect(server, nothing)))
  }

  get partitions(): number {
    return this.#layouts.length
  }

  partition({ shard }: KeyPlace): number {
    return partitionOf(shard, this.#layouts.length)
  }

  readonly #partitioning = (place: KeyPlace): number => this.partition(place)

  async values(keys: readonly KeyPlace[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.#servers.check()
    return inParts(keys, this.#partitioning, oneName, (partition, asked) => this.#valuesIn(partition, asked))
  }

  async #valuesIn(
    partition: number,
    keys: readonly KeyPlace[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const layout = this.#layouts[partition] as Layout
    const names = keys.map(({ key }) => layout.value(key))
    const nothing: readonly (Uint8Array | null)[] = []
    const found = await orWhileMoving(
      () => this.#servers.values(names),
      () => nothing,
    )
    return keys.map((_, at) => {
      const value = found[at] ?? null
      return value === null ? undefined : withoutChecksum(value)
    })
  }

  async read(items: readonly ReadItem[]): Promise<ReadReply> {
    this.#servers.check()
    const positions: Position[] = []
    const readIn = async (partition: number, asked: readonly ReadItem[]): Promise<readonly ReadResult[]> => {
      const reply = await orWhileMoving(
        () => this.#readPartition(partition, asked),
        () => undefined,
      )
      if (reply === undefined) return asked.map(notToBeRead)
      positions.push(reply.position)
      return reply.results
    }
    const results = await inParts(items, this.#partitioning, namesOf, readIn)
    return { positions, results }
  }

  async #readPartition(partition: number, asked: readonly ReadItem[]) {
    const { map } = this.#session
    const layout = this.#layouts[partition] as Layout
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const reply = await this.#scripts.read(layout, partition, map, asked, this.#session)
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
    return this.#rotateIn(layout, partition, { stamps, places: [], body })
  }

  async fill(request: FillRequest): Promise<FillReply> {
    const cause = { id: request.nonce, process: this.#session.process, tables: [] }
    const heard = request.publish && request.heard === true
    const body = request.publish ? this.#body([], [request.key], false, cause, heard) : ''
    const partition = this.partition(request)
    const { replicaLagMs } = this.#session
    const given = { holderMs: this.#holderMs(heard), replicaLagMs }
    const reply = await this.#hearing.expecting(cause, [partition], heard, () =>
      orWhileMoving(
        () => this.#scripts.fill(this.#layout(request), request, body, given),
        () => ({ stored: false, unclaimed: true, holders: [] }),
      ),
    )
    const { stored, unclaimed, holders } = reply
    return { stored, unclaimed, heard: this.#hearing.heard(cause, [[partition, holders]], heard) }
  }

  async prolong(place: KeyPlace, ttlMs: number): Promise<void> {
    await this.#scripts.prolong(this.#layout(place), place.key, ttlMs)
  }

  renew(place: KeyPlace, nonce: string, ttlMs: number): Promise<boolean> {
    return this.#scripts.claim(this.#layout(place), place.key, nonce, ttlMs)
  }

  async release(place: KeyPlace, nonce: string): Promise<void> {
    await this.#scripts.claim(this.#layout(place), place.key, nonce, 0)
  }

  async rotate({ stamps, keys, cause, position, lock, heard = false }: RotateRequest): Promise<RotateReply> {
    const all: readonly (StampName | KeyPlace)[] = [...stamps, ...keys]
    const parts = cutUp(all, (one) => (typeof one === 'string' ? 1 : 2))
    // Whoever acknowledges the last part has heard those before it.
    const messages = (parts.length === 0 ? [[]] : parts).map((part, at) => {
      const last = at === Math.max(0, parts.length - 1)
      const names = part.filter((one) => typeof one === 'string')
      // In every partition: processes of other families or another version may have put them elsewhere.
      const places = part.filter((one) => typeof one === 'object')
      const told = places.map(({ key }) => key)
      const body = this.#body(names, told, false, cause, heard && last)
      return { stamps: names, places, body, lock, holderMs: this.#holderMs(heard && last), position }
    })
    return this.#everywhere(cause, heard, async (layout, partition) => {
      let rotated: Rotated | undefined
      for (const message of messages) rotated = await this.#rotateIn(layout, partition, message)
      return rotated as Rotated
    })
  }

  #rotateIn(layout: Layout, partition: number, rotation: Rotation): Promise<Rotated> {
    const { replicaLagMs } = this.#session
    return orWhileMoving(
      () => this.#scripts.rotate(layout, partition, { ...rotation, replicaLagMs }),
      () => this.#piecewise.rotate(layout, partition, { ...rotation, replicaLagMs }),
    )
  }

  async lock({ stamps, lock, cause, heard = false }: LockRequest): Promise<LockReply> {
    const { lockMs } = this.#session
    const wanted = { id: lock, ms: lockMs, holderMs: this.#session.maxStalenessMs }
    const parts = cutUp(stamps, oneName)
    // Whoever acknowledges the last part has heard those before it.
    const messages = (parts.length === 0 ? [[]] : parts).map((names, at) => ({
      names,
      body: this.#body(names, [], false, cause, heard && at === Math.max(0, parts.length - 1)),
    }))
    let added = 0
    const reply = await this.#everywhere(cause, heard, async (layout, partition) => {
      let last: (Rotated & { readonly added: number }) | undefined
      let news = 0
      for (const { names, body } of messages) {
        last = await orWhileMoving(
          () => this.#scripts.lock(layout, partition, names, wanted, body),
          () => this.#piecewise.lock(layout, partition, names, wanted, body),
        )
        news += last.added
      }
      const locked = last as Rotated & { readonly added: number }
      added = Math.max(added, news)
      if (locked.added > 0) return locked
      // Where nothing was added nothing was published, so that nobody acknowledges.
      if (news === 0 || !heard) return { ...locked, holders: [] }
      // What the parts before the last have made void was not asked about yet.
      return this.#rotateIn(layout, partition, {
        stamps: [],
        places: [],
        body: this.#body([], [], false, cause, true),
        holderMs: this.#holderMs(true),
      })
    })
    return { ...reply, added }
  }

  async sweep(patterns: readonly Pattern[], cause: Cause, heard = false): Promise<SweepReply> {
    const { clock, timeoutMs } = this.#session
    const bounded = <T>(step: () => Promise<T>): Promise<T> => within(clock, timeoutMs, step)
    this.#servers.check()
    const before = await bounded(() => this.#servers.arrangement())
    // Before any key is searched for: a load that begins from now on must not bring back what was there.
    if (this.#session.replicaLagMs > 0) {
      await Promise.all(this.#layouts.map(({ recent }) => bounded(() => this.#servers.unlink([recent]))))
    }
    await sweepKeys(this.#servers, this.#layouts, patterns, bounded)
    const after = await bounded(() => this.#servers.arrangement())
    // What was moved from one server to another meanwhile may have been seen on neither.
    const everything = before === undefined || before !== after
    const stamps = everything ? [ROOT] : []
    const body = this.#body(stamps, [], true, cause, heard)
    const holderMs = this.#holderMs(heard)
    const reply = await bounded(() =>
      this.#everywhere(cause, heard, (layout, partition) =>
        this.#rotateIn(layout, partition, { stamps, places: [], body, holderMs }),
      ),
    )
    return { ...reply, everything }
  }

  /** One step in every partition; where asked, `heard` resolves when all holders of all of them have acknowledged. */
  async #everywhere(
    cause: Cause,
    heard: boolean,
    step: (layout: Layout, partition: number) => Promise<Rotated>,
  ): Promise<RotateReply> {
    this.#servers.check()
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
    this.#servers.check()
    const replies = await Promise.all(this.#layouts.map((layout, at) => this.#beat(layout, at)))
    return {
      positions: replies.map(({ position }) => position),
      registrations: replies.map(({ registration }) => registration),
    }
  }

  #beat(layout: Layout, partition: number) {
    const { map, process, maxStalenessMs } = this.#session
    const settings = this.#settings(this.#session.settings)
    const forgetMs = HOLDERS_KEPT * maxStalenessMs
    return orWhileMoving(
      async () => {
        const beat = () => this.#scripts.heartbeat(layout, partition, map, process, forgetMs, settings)
        const reply = await beat()
        this.#checkSettings(reply.differing)
        if (reply.registered && reply.registration !== '') return reply
        await this.#register(layout)
        return beat()
      },
      async () => {
        const reply = await this.#piecewise.heartbeat(layout, partition, map, process, forgetMs, settings)
        this.#checkSettings(reply.differing)
        return reply
      },
    )
  }

  async skeleton(digest: string): Promise<string | undefined> {
    for (const layout of this.#layouts) {
      const text = await this.#servers.get(layout.map(digest))
      if (text !== null) return text
    }
    return undefined
  }

  reconnect(what?: 'subscription'): void {
    if (what === undefined) this.#servers.reconnect()
    this.#bus.reconnect()
  }

  async close(): Promise<void> {
    this.#bus.close()
    this.#servers.close()
  }

  async #register(layout: Layout): Promise<void> {
    const { map, settings } = this.#session
    const own = this.#settings(settings)
    // While its slot is being moved nothing is kept in a partition, so that nothing hangs on being registered there.
    this.#checkSettings(
      await orWhileMoving(
        () => this.#scripts.register(layout, map, own),
        () => '',
      ),
    )
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
}

function oneName(): number {
  return 1
}

/** How many names a full read of an item touches. */
function namesOf({ stamps }: ReadItem): number {
  return stamps.length + 2
}

/** What a read answers of a partition that is being moved: load from the primary, fill nothing. */
function notToBeRead({ stamps }: ReadItem): ReadResult {
  return {
    value: undefined,
    voided: false,
    tokens: stamps.map(() => ''),
    epoch: '',
    locked: true,
    claim: 'none',
    holder: undefined,
    from: PRIMARY_SOURCE,
  }
}
