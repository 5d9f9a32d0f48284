import {
  type Change,
  type InvalidateRequest,
  NO_CHANGE,
  readRequest,
  readTableChange,
  type TableChange,
} from '../core/change.ts'
import type { Targets } from '../core/dependency-map.ts'
import { CacheError } from '../core/errors.ts'
import type { Receipt } from '../core/receipt.ts'
import { encodeToken } from '../core/token.ts'
import type { Savepoint, UnitOfWork } from '../core/unit.ts'
import type { Committer, Origin } from './committer.ts'
import type { WriteRoom } from './room.ts'

/** One transaction's writes: seal, COMMIT, rotate. */
export class Unit implements UnitOfWork {
  readonly id: string
  readonly #room: WriteRoom
  readonly #committer: Committer
  readonly #origin: Origin
  readonly #listeners: ((receipt: Receipt) => void)[] = []
  #changes: Change[] = []
  #state: UnitOfWork['state'] = 'open'
  #untouched = false
  #targets: Targets | undefined

  constructor(
    room: WriteRoom,
    committer: Committer,
    options: { readonly name?: string; readonly trace?: string },
  ) {
    this.#room = room
    this.#committer = committer
    this.id = `${options.name ?? 'unit'}-${room.randomness.token()}`
    this.#origin = { unit: this.id, trace: options.trace }
  }

  get state(): UnitOfWork['state'] {
    return this.#state
  }

  get writes(): readonly TableChange[] {
    return this.#changes.flatMap((change) => change.tables)
  }

  get untouched(): boolean {
    return this.#untouched && this.#changes.length === 0
  }

  setUntouched(untouched: boolean): void {
    this.#untouched = untouched
  }

  write(table: string, change: Omit<TableChange, 'table'> = {}): void {
    this.#checkOpen('write')
    const written = readTableChange({ ...change, table })
    this.#committer.checkTables([written])
    this.#changes.push({ ...NO_CHANGE, tables: [written] })
  }

  invalidate(request: InvalidateRequest): void {
    this.#checkOpen('invalidate')
    const change = readRequest(request)
    this.#committer.checkTables(change.tables)
    this.#changes.push(change)
  }

  savepoint(): Savepoint {
    this.#checkOpen('savepoint')
    const before = this.#changes.length
    let ended = false
    const end = () => {
      if (ended) throw closed('savepoint', 'ended')
      ended = true
    }
    return {
      release: end,
      rollback: () => {
        end()
        // All that came after it is inside it: savepoints of one connection are nested.
        this.#changes = this.#changes.slice(0, before)
      },
    }
  }

  run<T>(body: () => T): T {
    return this.#room.units.run({ kind: 'unit', unit: this }, body)
  }

  async prepare(tx?: unknown): Promise<void> {
    if (this.#state === 'prepared') return
    this.#checkOpen('prepare')
    this.#state = 'prepared'
    if (this.#changes.length === 0) return
    this.#targets = await this.#committer.resolve(merge(this.#changes), tx)
    if (this.#room.locks) this.#committer.block(this.#targets)
  }

  async commit(): Promise<Receipt> {
    if (this.#state === 'committed' || this.#state === 'rolledBack') throw closed('commit', this.#state)
    await this.prepare()
    this.#state = 'committed'
    const receipt = await this.#rotate()
    for (const listener of this.#listeners) this.#call(listener, receipt)
    return receipt
  }

  async rollback(): Promise<void> {
    if (this.#state === 'committed') throw closed('rollback', this.#state)
    const { locks } = this.#room
    if (locks && this.#targets !== undefined) this.#committer.unblock(this.#targets)
    this.#targets = undefined
    this.#state = 'rolledBack'
  }

  onCommitted(listener: (receipt: Receipt) => void): void {
    if (typeof listener !== 'function')
      throw new CacheError('INVALID_ARGUMENT', 'onCommitted: pass a function that takes the receipt.')
    this.#listeners.push(listener)
  }

  async #rotate(): Promise<Receipt> {
    if (this.#targets === undefined) {
      return Object.freeze({
        status: 'applied',
        stamps: [],
        keys: [],
        durationMs: 0,
        token: encodeToken(new Map(), false),
      })
    }
    try {
      return await this.#committer.rotate(this.#targets, this.#origin)
    } finally {
      if (this.#room.locks) this.#committer.unblock(this.#targets)
    }
  }

  #call(listener: (receipt: Receipt) => void, receipt: Receipt): void {
    try {
      listener(receipt)
    } catch (error) {
      this.#room.events.emit('listenerError', { event: 'onCommitted', error })
    }
  }

  #checkOpen(what: string): void {
    if (this.#state !== 'open') throw closed(what, this.#state)
  }
}

function closed(what: string, state: string): CacheError {
  return new CacheError(
    'UNIT_CLOSED',
    `${what}: the unit of work is ${state === 'rolledBack' ? 'rolled back' : state}. Declare every write before prepare(), and start a new unit for the next transaction.`,
  )
}

/** All changes of a unit as one. */
function merge(changes: readonly Change[]): Change {
  return {
    tables: changes.flatMap(({ tables }) => tables),
    keys: changes.flatMap(({ keys }) => keys),
    patterns: changes.flatMap(({ patterns }) => patterns),
    scopes: changes.flatMap(({ scopes }) => scopes),
    everything: changes.some(({ everything }) => everything),
  }
}
