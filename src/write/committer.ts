import type { Change, TableChange } from '../core/change.ts'
import type { Targets } from '../core/dependency-map.ts'
import { CacheError, question, show } from '../core/errors.ts'
import type { Cause } from '../core/events.ts'
import type { LogPosition } from '../core/load-source.ts'
import type { Receipt } from '../core/receipt.ts'
import { keyStamp, ROOT, type StampName } from '../core/stamp.ts'
import type { Position, Store } from '../core/store.ts'
import { encodeToken, placeOf } from '../core/token.ts'
import type { Owed } from './replay-queue.ts'
import type { WriteRoom } from './room.ts'
import { SoftLock } from './soft-lock.ts'

/** Who makes a change. */
export interface Origin {
  readonly unit?: string | undefined
  readonly trace?: string | undefined
}

const TABLES_TOLD = 8

/** Applies changes: resolves what they make void, keeps this process from answering it, has the store rotate it. */
export class Committer {
  readonly #room: WriteRoom

  constructor(room: WriteRoom) {
    this.#room = room
  }

  /** One change, as a straight line. Rejects only for bad input, and then nothing has been applied. */
  async apply(change: Change, origin: Origin = {}, position?: LogPosition): Promise<Receipt> {
    const targets = await this.resolve(change)
    return this.rotate(targets, origin, { position })
  }

  /** What a change makes void. @throws CacheError for bad input */
  async resolve(change: Change, tx?: unknown): Promise<Targets> {
    this.checkTables(change.tables)
    const targets = await this.#room.map.targets(change, tx)
    for (const failed of targets.bindErrors) this.#room.events.emit('bindError', failed)
    // Where locks are in use a key has a stamp of its own, so that a unit that names the key can lock it; with replicas,
    // so that loads hear of it.
    const own = this.#room.locks || this.#room.replicas
    if (!own || targets.keys.length === 0 || targets.stamps.includes(ROOT)) return targets
    return { ...targets, stamps: [...targets.stamps, ...targets.keys.map(({ key }) => keyStamp(key))] }
  }

  /** @throws CacheError `UNKNOWN_TABLE` where the cache was told to refuse tables that the map does not name. */
  checkTables(tables: readonly TableChange[]): void {
    if (this.#room.unknownTables !== 'error') return
    for (const { table } of tables) {
      if (this.#room.map.knows(table)) continue
      throw new CacheError(
        'UNKNOWN_TABLE',
        `The map names no table ${show(table)}.${question(this.#room.map.near(table))} Add it to defineDependencies, with an empty list if nothing hangs on it.`,
      )
    }
  }

  /** Takes a lock off again, which rotates: the transaction was rolled back, and nobody need be told more than that. */
  async unlock(targets: Targets, origin: Origin, lock: SoftLock): Promise<void> {
    const cause = this.#cause(targets.tables, origin)
    try {
      await this.#room.store.rotate({ stamps: lock.stamps, keys: [], cause, lock: lock.id })
    } catch (error) {
      // It expires by itself, and rotates then.
      this.#room.distrustStore(error)
    }
  }

  /** Rotates. Never rejects: a store that cannot be reached makes the receipt say `queued`. */
  async rotate(
    targets: Targets,
    origin: Origin,
    {
      lock,
      position,
      unprotected = false,
    }: {
      readonly lock?: SoftLock | undefined
      readonly position?: LogPosition | undefined
      readonly unprotected?: boolean
    } = {},
  ): Promise<Receipt> {
    const { clock, store, queue, recent } = this.#room
    const started = clock.monotonic()
    const cause = this.#cause(targets.tables, origin)
    let positions: readonly Position[] = []
    let queued = false
    recent.begin(targets)
    this.block(targets)
    try {
      positions = await this.#tellStore(targets, cause, store, { lock, position })
      recent.told(targets)
    } catch (error) {
      recent.failed(targets)
      queued = true
      queue.add(targets)
      // Whoever reads from the store now would find what was just made void.
      this.#room.distrustStore(error)
    } finally {
      this.unblock(targets)
    }
    const receipt: Receipt = Object.freeze({
      status: unprotected ? 'unprotected' : queued ? 'queued' : 'applied',
      stamps: targets.stamps,
      keys: targets.keys.map(({ key }) => key),
      patterns: targets.patterns.map(({ text }) => text),
      unknownTables: targets.unknownTables,
      durationMs: clock.monotonic() - started,
      token: encodeToken(new Map(positions.map((one) => [placeOf(one), one.sequence])), queued, position),
    })
    this.#tell(targets, receipt, cause)
    return receipt
  }

  /** Tells the store what it has missed. Rejects, with everything still queued, where it cannot be told. */
  async replay(store: Store): Promise<number> {
    const { queue, recent } = this.#room
    if (queue.length === 0) return 0
    const owed = queue.take()
    recent.begin(owed)
    try {
      await this.#tellStore(
        owed,
        this.#cause(
          owed.writes.map(({ table }) => table),
          {},
        ),
        store,
      )
      recent.told(owed)
    } catch (error) {
      recent.failed(owed)
      // A server that refuses to search its keys would refuse for ever: everything made void says as much, and more.
      const root = owed.patterns.length + owed.covered.length > 0
      queue.putBack(root ? { ...owed, stamps: [ROOT], patterns: [], covered: [] } : owed)
      throw error
    }
    return owed.changes
  }

  /** The store may have forgotten the changes of the last while: they are owed again. @returns whether there are any. */
  recall(): boolean {
    return this.#room.recent.moveTo(this.#room.queue)
  }

  /** Has the store rotate, for this process's map and for every other one that is live. */
  async #tellStore(
    { stamps, keys, patterns, covered, writes }: Owed,
    cause: Cause,
    store: Store,
    {
      lock,
      position,
    }: { readonly lock?: SoftLock | undefined; readonly position?: LogPosition | undefined } = {},
  ): Promise<readonly Position[]> {
    const { subscription, foreign, strict, stamps: table, memory } = this.#room
    const others = foreign.change(writes)
    const expected = await others.expected()
    subscription.expectOwn(cause.id)
    const told = new Set([...stamps, ...expected, ...(lock?.stamps ?? [])])
    const first = { stamps: [...told], keys, cause, position, lock: lock?.id }
    let reply = await store.rotate({ ...first, heard: strict })
    await reply.heard
    // Its echo tells this process nothing, which may hold values under stamps of others by patterns of its own.
    table.touch([...expected], [])
    for (;;) {
      const met = await others.meet(reply.maps, store)
      // Readers with another map may have keys of a scope without knowing it.
      const without = stamps.filter(isScope).flatMap((name) => others.without(name))
      const more = [...new Set([...met, ...without])].filter((name) => !told.has(name))
      if (more.length === 0) break
      for (const name of more) told.add(name)
      const again = { ...cause, id: this.#room.randomness.token() }
      reply = await store.rotate({ stamps: more, keys: [], cause: again, position, heard: strict })
      await reply.heard
    }
    const unknown = this.#room.sweepsAll()
      ? covered
      : covered.filter(({ stamp }) => others.without(stamp).length > 0)
    const sweeps = [...patterns, ...unknown.flatMap(({ sweep }) => sweep)]
    if (sweeps.length === 0) return reply.positions
    // Of an id of its own: whoever has heard of the rotation has not heard of the sweep.
    const sweeping = { ...cause, id: this.#room.randomness.token() }
    subscription.expectOwn(sweeping.id)
    const swept = await store.sweep(sweeps, sweeping, strict)
    await swept.heard
    // As with expected stamps: the echo tells this process nothing.
    if (swept.everything === true) {
      table.touch([ROOT], [])
      memory?.clear()
    }
    return swept.positions
  }

  /** A soft lock over what the targets name, not yet taken. An ad-hoc pattern has no stamp: everything is locked. */
  softLock({ stamps, patterns, covered, writes, tables }: Targets, origin: Origin): SoftLock {
    const names = patterns.length === 0 ? stamps : [ROOT]
    const named = [...stamps.filter(isScope), ...covered.map(({ stamp }) => stamp)]
    return new SoftLock(this.#room, names, named, writes, this.#cause(tables, origin))
  }

  #cause(tables: readonly string[], origin: Origin): Cause {
    const { randomness, process } = this.#room
    return { id: randomness.token(), process, tables: tables.slice(0, TABLES_TOLD), ...origin }
  }

  /** Keeps this process from answering what the targets name, until {@link unblock}. */
  block({ stamps, keys, patterns, covered }: Targets): void {
    const { stamps: table, memory } = this.#room
    const names = keys.map(({ key }) => key)
    table.block(stamps, names, patterns.length > 0)
    for (const key of names) memory?.delete(key)
    if (patterns.length > 0) memory?.deleteMatching(patterns)
    if (this.#room.sweepsAll()) memory?.deleteMatching(covered.flatMap(({ sweep }) => sweep))
    if (stamps.includes(ROOT)) memory?.clear()
  }

  unblock({ stamps, keys, patterns }: Targets): void {
    const { stamps: table, strict } = this.#room
    table.unblock(
      stamps,
      keys.map(({ key }) => key),
      patterns.length > 0,
    )
    // A failover may bring back what a sweep has deleted, under stamps that it did not touch.
    if (strict && patterns.length > 0) table.flush()
  }

  #tell(targets: Targets, receipt: Receipt, cause: Cause): void {
    const { counters, causes, events, clock } = this.#room
    counters.invalidations++
    counters.stampsRotated += targets.stamps.length
    counters.keysInvalidated += targets.keys.length
    for (const table of targets.tables) counters.table(table)
    for (const table of targets.unknownTables) events.emit('unknownTable', { table })
    const { stamps, patterns, tables } = targets
    causes.note({ at: clock.now(), stamps, keys: receipt.keys, everyKey: patterns.length > 0, cause })
    if (!events.has('invalidated')) return
    events.emit('invalidated', {
      receipt,
      tables,
      patterns: patterns.map(({ text }) => text),
      unit: cause.unit,
    })
  }
}

function isScope(name: StampName): boolean {
  return /^\|[^|=]+=/.test(name)
}
