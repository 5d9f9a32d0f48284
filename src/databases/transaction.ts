import { CacheError } from '../core/errors.ts'
import type { Receipt } from '../core/receipt.ts'
import type { UnitOfWork } from '../core/unit.ts'
import type { TransactionHandle, TransactionOptions } from './adapter.ts'
import { type Binding, Level, type Outermost } from './level.ts'

/**
 * One transaction on the client: a unit of work, its body, the seal. A body that is run again has another one.
 *
 * Until the seal has succeeded a failure is a rollback. After it the COMMIT is in the client's hands, and a failure
 * means that nobody knows: what was written is invalidated all the same.
 */
export class Transaction<T, Tx, Inside extends object, State, Note>
  implements Outermost<Tx, Inside, State, Note>
{
  readonly binding: Binding<Tx, Inside, State, Note>
  readonly options: TransactionOptions
  readonly unit: UnitOfWork
  readonly notes: Note[] = []
  readonly listeners: ((receipt: Receipt) => void)[] = []
  savepoints = 0
  unsure = false
  /** Set where the body asked for a rollback: what it returned. */
  undone: { readonly value: T } | undefined
  #level: Level<Tx, Inside, State, Note> | undefined
  #sealed = false

  constructor(binding: Binding<Tx, Inside, State, Note>, options: TransactionOptions) {
    const { adapter, cache } = binding
    this.binding = binding
    this.options = options
    const around = cache.currentUnit()
    this.unit = cache.unitOfWork({
      name: options.name ?? adapter.name,
      ...(options.trace === undefined ? {} : { trace: options.trace }),
    })
    // Inside another database's transaction that has written, reads go past the cache from the start.
    const clean = around === undefined || around.state !== 'open' || around.untouched
    if (adapter.notices === true) this.unit.setUntouched(clean)
  }

  /** All that happens between BEGIN and COMMIT. */
  async run(tx: Tx, body: (handle: TransactionHandle<Inside>) => T | Promise<T>): Promise<T> {
    const { adapter } = this.binding
    const level = new Level(this, tx)
    this.#level = level
    const value = await level.run(body)
    if (level.asked) {
      this.undone = { value }
      throw new CacheError('ABORTED', 'The transaction is rolled back, as its body asked.')
    }
    if (!this.unit.untouched) await adapter.seal(tx, level)
    await this.#prepare(tx)
    this.#sealed = true
    return value
  }

  /** After the COMMIT has been answered. */
  async committed(): Promise<void> {
    for (const listener of this.listeners) this.unit.onCommitted(listener)
    await this.unit.commit()
  }

  /** After anything else. */
  async failed(): Promise<void> {
    if (this.#sealed || this.unsure) await this.unit.commit()
    else {
      if (this.#level !== undefined) this.#level.rolledBack = true
      await this.unit.rollback()
    }
  }

  /** Lets `bind` functions of the map read in the transaction, and makes sure that none of them broke it. */
  async #prepare(tx: Tx): Promise<void> {
    const reader = new Level(this, tx, { reading: true })
    await reader.run(() => this.unit.prepare(reader.handle))
    if (reader.issued) await this.binding.adapter.confirm?.(tx)
  }
}
