import type { AsyncLocalStorage } from 'node:async_hooks'
import { CacheError, show } from '../core/errors.ts'
import type { Reads } from '../core/reads.ts'
import type { Receipt } from '../core/receipt.ts'
import type { UnitOfWork } from '../core/unit.ts'
import type {
  DatabaseAdapter,
  TransactionControls,
  TransactionHandle,
  TransactionOptions,
  UnitSource,
  Work,
} from './adapter.ts'

type Body<T, Inside> = (handle: TransactionHandle<Inside>) => T | Promise<T>

/** What the transactions of one bound database share. */
export interface Binding<Tx, Inside extends object, State, Note> {
  readonly adapter: Pick<
    DatabaseAdapter<never, Tx, Inside, object, object, State, Note>,
    'name' | 'notices' | 'savepoint' | 'finish' | 'seal' | 'confirm' | 'reads' | 'inside'
  >
  readonly cache: UnitSource
  readonly state: State
  /** The transaction, or savepoint, that runs here. Belongs to the binding: others never see it. */
  readonly levels: AsyncLocalStorage<Level<Tx, Inside, State, Note>>
}

/** What the levels of one transaction share. */
export interface Outermost<Tx, Inside extends object, State, Note> {
  readonly binding: Binding<Tx, Inside, State, Note>
  readonly options: TransactionOptions
  readonly unit: UnitOfWork
  readonly notes: Note[]
  readonly listeners: ((receipt: Receipt) => void)[]
  /** How many savepoints there have been. */
  savepoints: number
  /** Set once the adapter has said that a part may be committed already. */
  unsure: boolean
}

/** A transaction or one of its savepoints, from the start of its body to its end. */
export class Level<Tx, Inside extends object, State, Note> implements Work<State, Note> {
  readonly handle: TransactionHandle<Inside>
  /** Whether what happened here is undone: its body failed, or asked for it. */
  rolledBack = false
  /** Whether the body asked for the rollback. */
  asked = false
  /** Whether any statement was sent. */
  issued = false
  readonly parent: Level<Tx, Inside, State, Note> | undefined
  readonly #transaction: Outermost<Tx, Inside, State, Note>
  readonly #tx: Tx
  /** After the seal: `bind` functions may read, nobody may write. */
  readonly #reading: boolean
  #ended = false
  /** Savepoints of one parent run one after another: on one connection they cannot overlap. Never rejects. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    transaction: Outermost<Tx, Inside, State, Note>,
    tx: Tx,
    { parent, reading = false }: { parent?: Level<Tx, Inside, State, Note>; reading?: boolean } = {},
  ) {
    this.#transaction = transaction
    this.#tx = tx
    this.#reading = reading
    this.parent = parent
    this.handle = Object.assign(transaction.binding.adapter.inside(tx, this), this.#controls())
  }

  get open(): boolean {
    return !this.#ended && (this.parent === undefined || this.parent.open)
  }

  get unit(): UnitOfWork {
    return this.#transaction.unit
  }

  get state(): State {
    return this.#transaction.binding.state
  }

  get options(): TransactionOptions {
    return this.#transaction.options
  }

  get notes(): readonly Note[] {
    return this.#transaction.notes
  }

  unsure(): void {
    this.#transaction.unsure = true
  }

  note(note: Note): void {
    this.#transaction.notes.push(note)
  }

  onCommitted(listener: (receipt: Receipt) => void): void {
    this.#transaction.listeners.push(listener)
  }

  issue(effect: 'read' | 'write'): void {
    this.#check('A statement')
    if (effect === 'write') {
      if (this.#reading) {
        throw new CacheError(
          'UNIT_CLOSED',
          'A bind function may only read: what it sent may write, after the writes have been gathered.',
        )
      }
      this.unit.setUntouched(false)
    }
    this.issued = true
  }

  /** What the transaction has read so far. */
  async reads(): Promise<Reads> {
    const { adapter } = this.#transaction.binding
    return (await adapter.reads?.(this.#tx, this)) ?? { tables: [], views: [] }
  }

  /** Runs `body` as what surrounds everything it starts, and ends the level once it and its savepoints have ended. */
  async run<T>(body: Body<T, Inside>): Promise<T> {
    const { levels, adapter } = this.#transaction.binding
    try {
      return await levels.run(this, () =>
        this.unit.run(async () => {
          const value = await body(this.handle)
          if (!this.asked && !this.#reading) await adapter.finish?.(this.#tx)
          return value
        }),
      )
    } catch (error) {
      this.rolledBack = true
      throw error
    } finally {
      this.#ended = true
      await this.#last
    }
  }

  /** A savepoint of this level, or of the one inside it that the caller runs in. */
  async nested<T>(body: Body<T, Inside>): Promise<T> {
    const here = this.#transaction.binding.levels.getStore()
    if (here !== undefined && here !== this && here.open && here.isInside(this)) return here.nested(body)
    const result = this.#last.then(() => this.#savepoint(body))
    this.#last = result.catch(() => undefined)
    return result
  }

  isInside(other: Level<Tx, Inside, State, Note>): boolean {
    return this.parent !== undefined && (this.parent === other || this.parent.isInside(other))
  }

  async #savepoint<T>(body: Body<T, Inside>): Promise<T> {
    this.#check('A savepoint')
    const { adapter } = this.#transaction.binding
    if (adapter.savepoint === undefined) {
      throw new CacheError(
        'UNSUPPORTED',
        `${adapter.name} has no savepoints: a transaction inside a transaction is not possible.`,
      )
    }
    const transaction = this.#transaction
    const mark = { notes: transaction.notes.length, listeners: transaction.listeners.length }
    const kept = this.unit.savepoint()
    let outcome: { readonly level: Level<Tx, Inside, State, Note>; value?: T } | undefined
    let dropped = false
    try {
      const value = await adapter.savepoint(
        this.#tx,
        async (tx) => {
          const level = new Level(transaction, tx, { parent: this })
          outcome = { level }
          try {
            const value = await level.run(body)
            outcome.value = value
            if (level.asked)
              throw new CacheError('ABORTED', 'The savepoint is rolled back, as its body asked.')
            return value
          } catch (error) {
            // Before the client is told to roll back, so that nothing sent after that is dropped with it.
            if (!transaction.unsure) {
              dropped = true
              kept.rollback()
              transaction.notes.splice(mark.notes)
              transaction.listeners.splice(mark.listeners)
            }
            throw error
          }
        },
        `coherent_cache_${++transaction.savepoints}`,
      )
      kept.release()
      return value
    } catch (error) {
      // The savepoint could not be taken or released: what it holds is kept, and invalidated for nothing.
      if (!dropped) kept.release()
      if (outcome?.level.asked === true && this.open) return outcome.value as T
      throw error
    }
  }

  #controls(): TransactionControls<Inside> {
    const transaction = this.#transaction
    return {
      unit: transaction.unit,
      write: (table, change) => {
        this.#check('write')
        transaction.unit.write(table, change)
      },
      invalidate: (request) => {
        this.#check('invalidate')
        transaction.unit.invalidate(request)
      },
      onCommitted: (listener) => {
        this.#check('onCommitted')
        if (typeof listener !== 'function') {
          throw new CacheError(
            'INVALID_ARGUMENT',
            `onCommitted: ${show(listener)} is not a function of the receipt.`,
          )
        }
        transaction.listeners.push(listener)
      },
      rollback: async () => {
        this.#check('rollback')
        this.asked = true
        this.rolledBack = true
        this.#ended = true
      },
      transaction: (body) => this.nested(body),
    }
  }

  #check(what: string): void {
    if (this.open) return
    throw closed(what, this.rolledBack)
  }
}

/** What a handle answers after its end. */
export function closed(what: string, rolledBack: boolean): CacheError {
  return new CacheError(
    'UNIT_CLOSED',
    `${what}: the transaction or savepoint that this belongs to has ${rolledBack ? 'been rolled back' : 'ended'}. Await everything inside its body, and use its handle nowhere else.`,
  )
}
