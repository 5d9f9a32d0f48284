import {
  type Change,
  type InvalidateRequests,
  mergeChanges,
  NO_CHANGE,
  readRequest,
  readTableChange,
  type TableChange,
  type WrittenRows,
} from '../core/change.ts'
import type { Targets } from '../core/dependency-map.ts'
import { CacheError, show } from '../core/errors.ts'
import { calledSafely } from '../core/events.ts'
import { isLogPosition, type LogPosition } from '../core/load-source.ts'
import type { Receipt } from '../core/receipt.ts'
import { encodeToken } from '../core/token.ts'
import type { Savepoint, UnitOfWork } from '../core/unit.ts'
import type { Committer, Origin } from './committer.ts'
import { joinReceipts } from './joined-receipt.ts'
import type { WriteRoom } from './room.ts'
import { type SoftLock, unprotected } from './soft-lock.ts'

/** One transaction's writes: seal, COMMIT, rotate. */
export class Unit implements UnitOfWork {
  readonly id: string
  readonly #room: WriteRoom
  readonly #committer: Committer
  readonly #origin: Origin
  readonly #listeners: ((receipt: Receipt) => void)[] = []
  #changes: Change[] = []
  /** Made after the unit was prepared. */
  readonly #late: Change[] = []
  #state: UnitOfWork['state'] = 'open'
  #untouched = false
  /** Where in the database's log it has committed. */
  #position: LogPosition | undefined
  #targets: Targets | undefined
  #softLock: SoftLock | undefined
  /** Whether this process answers nothing of what the unit will rotate. */
  #blocked = false
  #unprotected = false
  #preparing: Promise<void> | undefined
  /** The part of {@link prepare} that rollback has to wait for, so that it can undo it. */
  #locking: Promise<void> | undefined
  /** Savepoints not yet ended, outermost first. */
  readonly #savepoints: object[] = []

  constructor(
    room: WriteRoom,
    committer: Committer,
    options: { readonly name?: string; readonly trace?: string },
  ) {
    this.#room = room
    this.#committer = committer
    this.id = `${options.name ?? 'unit'}-${room.randomness.token()}`
    this.#origin = { unit: this.id, trace: options.trace }
    room.openUnits.begin(this)
  }

  get state(): UnitOfWork['state'] {
    return this.#state
  }

  get writes(): readonly TableChange[] {
    // What a tenant's view told is that tenant's alone, and declares nothing of what else was written.
    return this.#changes.flatMap((change) => change.tables.filter(({ within }) => within === undefined))
  }

  get change(): Change {
    return mergeChanges(this.#changes)
  }

  get untouched(): boolean {
    return this.#untouched && this.#changes.length === 0
  }

  knows(table: string): boolean {
    return this.#room.map.knows(table)
  }

  setUntouched(untouched: boolean): void {
    this.#untouched = untouched
  }

  get wantsPosition(): boolean {
    return this.#room.replicas
  }

  setPosition(position: string): void {
    if (!isLogPosition(position)) {
      throw new CacheError(
        'INVALID_ARGUMENT',
        `setPosition: ${show(position)} is no place in a log. Pass text of letters, digits, '/', ':', '_' and '-'.`,
      )
    }
    this.#position = position
  }

  write(table: string, change: WrittenRows = {}): void {
    this.#checkOpen('write')
    const written = readTableChange({ ...change, table })
    this.#committer.checkTables([written])
    this.#changes.push({ ...NO_CHANGE, tables: [written] })
  }

  invalidate(request: InvalidateRequests): void {
    this.#checkOpen('invalidate')
    const change = readRequest(request)
    // Refused here rather than by the commit, which it would fail.
    this.#room.map.check(change)
    this.#committer.checkTables(change.tables)
    this.#changes.push(change)
  }

  clear(): void {
    this.#checkOpen('clear')
    this.#changes.push({ ...NO_CHANGE, everything: true })
  }

  /** Takes a change that was applied at once, to be applied again at the commit: others may refill in between. */
  repeat(change: Change): void {
    this.#room.map.check(change)
    this.#committer.checkTables(change.tables)
    if (this.#state === 'open') this.#changes.push(change)
    else if (this.#state === 'prepared') this.#late.push(change)
  }

  savepoint(): Savepoint {
    this.#checkOpen('savepoint')
    const before = this.#changes.length
    const mark = {}
    this.#savepoints.push(mark)
    let ended = false
    /** @returns whether it was still there: savepoints of one connection are nested, and end with those around them */
    const end = (): boolean => {
      if (ended) throw closed('savepoint', 'ended')
      ended = true
      const at = this.#savepoints.indexOf(mark)
      if (at >= 0) this.#savepoints.length = at
      return at >= 0
    }
    return {
      release: () => void end(),
      rollback: () => {
        // All that came after it is inside it.
        if (end()) this.#changes = this.#changes.slice(0, before)
      },
    }
  }

  run<T>(body: () => T): T {
    return this.#room.units.run({ kind: 'unit', unit: this }, body)
  }

  async prepare(tx?: unknown): Promise<void> {
    if (this.#state !== 'prepared') {
      this.#checkOpen('prepare')
      this.#state = 'prepared'
      this.#preparing = this.#prepare(tx)
    }
    return this.#preparing
  }

  async #prepare(tx: unknown): Promise<void> {
    if (this.#changes.length === 0) return
    const targets = await this.#committer.resolve(mergeChanges(this.#changes), tx)
    // Rolled back meanwhile: locks taken now would never be taken off.
    if (this.#state !== 'prepared') return
    this.#targets = targets
    if (!this.#room.locks) return
    this.#locking = this.#lock(targets)
    await this.#locking
  }

  async commit(): Promise<Receipt> {
    this.#checkNotEnded('commit')
    this.#state = 'prepared'
    // One under way must not be overtaken; one that failed is made good below.
    await this.#preparing?.catch(nothing)
    // Its own locks would come too late to protect anything; the rotation itself does not.
    if (this.#targets === undefined && this.#changes.length > 0)
      this.#targets = await this.#committer.resolve(mergeChanges(this.#changes))
    this.#checkNotEnded('commit')
    this.#state = 'committed'
    try {
      const receipts: [Receipt, ...Receipt[]] = [await this.#end()]
      for (const change of this.#late)
        receipts.push(await this.#committer.apply(change, this.#origin, this.#position))
      const receipt = joinReceipts(receipts)
      for (const listener of this.#listeners) this.#call(listener, receipt)
      return receipt
    } finally {
      this.#room.openUnits.end(this)
    }
  }

  async rollback(): Promise<void> {
    if (this.#state === 'committed') throw closed('rollback', this.#state)
    if (this.#state === 'rolledBack') return
    this.#state = 'rolledBack'
    try {
      await this.#undo()
    } finally {
      this.#room.openUnits.end(this)
    }
  }

  /** Takes off what {@link prepare} has locked. */
  async #undo(): Promise<void> {
    await this.#locking?.catch(nothing)
    const targets = this.#targets
    this.#targets = undefined
    if (targets === undefined) return
    this.#softLock?.release()
    try {
      // What was rotated with the lock is rotated again: somebody may have loaded under it what was rolled back.
      if (this.#softLock !== undefined) await this.#committer.unlock(targets, this.#origin, this.#softLock)
    } finally {
      if (this.#blocked) this.#committer.unblock(targets)
      this.#blocked = false
    }
  }

  /** Locks what will be rotated, in the store and in this process. */
  async #lock(targets: Targets): Promise<void> {
    this.#committer.block(targets)
    this.#blocked = true
    const lock = this.#committer.softLock(targets, this.#origin)
    try {
      await lock.take()
      this.#softLock = lock
    } catch (error) {
      lock.release()
      if (this.#room.onStoreUnavailable === 'abort') throw unprotected(error)
      this.#unprotected = true
    }
  }

  onCommitted(listener: (receipt: Receipt) => void): void {
    if (typeof listener !== 'function')
      throw new CacheError('INVALID_ARGUMENT', 'onCommitted: pass a function that takes the receipt.')
    this.#listeners.push(listener)
  }

  /** Rotates, and takes the locks off in the same step. */
  async #end(): Promise<Receipt> {
    const targets = this.#targets
    if (targets === undefined) {
      const token = encodeToken(new Map(), false)
      const none = { stamps: [], keys: [], patterns: [], unknownTables: [] }
      return Object.freeze({ status: 'applied', ...none, durationMs: 0, token })
    }
    this.#softLock?.release()
    try {
      return await this.#committer.rotate(targets, this.#origin, {
        lock: this.#softLock,
        position: this.#position,
        unprotected: this.#unprotected,
      })
    } finally {
      if (this.#blocked) this.#committer.unblock(targets)
      this.#blocked = false
    }
  }

  #call(listener: (receipt: Receipt) => void, receipt: Receipt): void {
    calledSafely(listener, receipt, (error) =>
      this.#room.events.emit('listenerError', { event: 'onCommitted', error }),
    )
  }

  #checkOpen(what: string): void {
    if (this.#state !== 'open') throw closed(what, this.#state)
  }

  #checkNotEnded(what: string): void {
    if (this.#state === 'committed' || this.#state === 'rolledBack') throw closed(what, this.#state)
  }
}

function nothing(): void {}

function closed(what: string, state: string): CacheError {
  return new CacheError(
    'UNIT_CLOSED',
    `${what}: the unit of work is ${state === 'rolledBack' ? 'rolled back' : state}. Declare every write before prepare(), and start a new unit for the next transaction.`,
  )
}
