import type { Change, TableChange } from '../core/change.ts'
import type { Targets } from '../core/dependency-map.ts'
import { CacheError, show } from '../core/errors.ts'
import type { Cause } from '../core/events.ts'
import type { Receipt } from '../core/receipt.ts'
import { ROOT } from '../core/stamp.ts'
import { encodeToken } from '../core/token.ts'
import type { WriteRoom } from './room.ts'

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
  async apply(change: Change, origin: Origin = {}): Promise<Receipt> {
    const targets = await this.resolve(change)
    return this.rotate(targets, origin)
  }

  /** What a change makes void. @throws CacheError for bad input */
  async resolve(change: Change, tx?: unknown): Promise<Targets> {
    this.checkTables(change.tables)
    const targets = await this.#room.map.targets(change, tx)
    for (const failed of targets.bindErrors) this.#room.events.emit('bindError', failed)
    return targets
  }

  /** @throws CacheError `UNKNOWN_TABLE` where the cache was told to refuse tables that the map does not name. */
  checkTables(tables: readonly TableChange[]): void {
    if (this.#room.unknownTables !== 'error') return
    for (const { table } of tables) {
      if (this.#room.map.knows(table)) continue
      throw new CacheError(
        'UNKNOWN_TABLE',
        `The map names no table ${show(table)}. Add it to defineDependencies, with an empty list if nothing hangs on it.`,
      )
    }
  }

  /** Rotates. Never rejects: a store that cannot be reached makes the receipt say `queued`. */
  async rotate(targets: Targets, origin: Origin): Promise<Receipt> {
    const { clock, randomness, process, subscription, store } = this.#room
    const started = clock.monotonic()
    const { stamps, keys, patterns } = targets
    const cause: Cause = {
      id: randomness.token(),
      process,
      tables: targets.tables.slice(0, TABLES_TOLD),
      ...origin,
    }
    this.block(targets)
    subscription.expectOwn(cause.id)
    const positions = new Map<string, number>()
    let status: Receipt['status'] = 'applied'
    try {
      const reply = await store.rotate({ stamps, keys, cause })
      const last = patterns.length === 0 ? reply : await store.sweep(patterns, cause)
      positions.set(last.epoch, last.sequence)
    } catch {
      status = 'queued'
    } finally {
      this.unblock(targets)
    }
    const receipt: Receipt = Object.freeze({
      status,
      stamps,
      keys,
      durationMs: clock.monotonic() - started,
      token: encodeToken(positions, status === 'queued'),
    })
    this.#tell(targets, receipt, cause)
    return receipt
  }

  /** Keeps this process from answering what the targets name, until {@link unblock}. */
  block({ stamps, keys, patterns }: Targets): void {
    const { stamps: table, memory } = this.#room
    table.block(stamps, keys, patterns.length > 0)
    for (const key of keys) memory?.delete(key)
    if (patterns.length > 0) memory?.deleteMatching(patterns)
    if (stamps.includes(ROOT)) memory?.clear()
  }

  unblock({ stamps, keys, patterns }: Targets): void {
    this.#room.stamps.unblock(stamps, keys, patterns.length > 0)
  }

  #tell(targets: Targets, receipt: Receipt, cause: Cause): void {
    const { counters, causes, events, clock } = this.#room
    counters.invalidations++
    counters.stampsRotated += targets.stamps.length
    counters.keysInvalidated += targets.keys.length
    for (const table of targets.tables) counters.table(table)
    for (const table of targets.unknownTables) events.emit('unknownTable', { table })
    const { stamps, keys, patterns, tables } = targets
    causes.note({ at: clock.now(), stamps, keys, everyKey: patterns.length > 0, cause })
    if (!events.has('invalidated')) return
    events.emit('invalidated', {
      receipt,
      tables,
      patterns: patterns.map(({ text }) => text),
      unit: cause.unit,
    })
  }
}
