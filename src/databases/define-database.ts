import { AsyncLocalStorage } from 'node:async_hooks'
import { CacheError, show } from '../core/errors.ts'
import { findExtension } from '../core/extension.ts'
import { checkChoice, checkCount, checkOptions } from '../core/options.ts'
import { READING, type RunReading } from '../core/reads.ts'
import type {
  BoundDatabase,
  DatabaseAdapter,
  Door,
  IsolationLevel,
  TransactionHandle,
  TransactionOptions,
  UnitSource,
} from './adapter.ts'
import { type Binding, closed, type Level } from './level.ts'
import { Transaction } from './transaction.ts'

const OPTIONS = ['isolation', 'readOnly', 'retries', 'name', 'trace']
const LEVELS: readonly IsolationLevel[] = ['read committed', 'repeatable read', 'serializable']

/**
 * Binds a client to a cache, once: a second time is refused with `INVALID_ARGUMENT`. Two bound databases over one client
 * know nothing of each other, so that what one sends inside a transaction of the other would be a transaction of its own.
 */
export type Binder<Client, Inside, Outside, Options> = (
  client: Client,
  cache: UnitSource,
  options?: Options,
) => BoundDatabase<Inside, Outside>

/**
 * Makes a binder for a database client that this library has no entry point for.
 *
 * Of each transaction the bound database makes one unit of work. It runs the body inside it, has the adapter seal the
 * transaction, and lets the client commit; then what was written is invalidated. A failure before the seal has
 * succeeded invalidates nothing; one after it invalidates everything written, because the COMMIT may have arrived.
 *
 * Functions called from the body need no handle: the transaction is found by their async context. What runs on in
 * that context after the transaction has committed is on its own; after it was rolled back, it is refused.
 *
 * @example
 * ```ts
 * import { createCache, defineDatabase } from 'coherent-cache'
 *
 * interface Session {
 *   run(sql: string): Promise<unknown>
 * }
 * interface Client {
 *   inTransaction<T>(body: (session: Session) => Promise<T>): Promise<T>
 * }
 * declare const client: Client
 *
 * const bindClient = defineDatabase({
 *   name: 'client',
 *   run: (client: Client, body: (session: Session) => Promise<never>) => client.inTransaction(body),
 *   seal: async (session) => {
 *     await session.run('SELECT 1') // rejects in a transaction that can no longer commit
 *   },
 *   inside: (session, work) => ({
 *     run(sql: string) {
 *       work.issue('write')
 *       return session.run(sql)
 *     },
 *   }),
 * })
 *
 * const db = bindClient(client, createCache({ name: 'shop' }))
 * await db.transaction(async (tx) => {
 *   await tx.run('UPDATE prices SET amount = 1')
 *   tx.write('prices')
 * })
 * ```
 */
export function defineDatabase<
  Client,
  Tx,
  Inside extends object,
  Outside extends object = Record<never, never>,
  Options extends object = Record<never, never>,
  State = unknown,
  Note = unknown,
>(
  adapter: DatabaseAdapter<Client, Tx, Inside, Outside, Options, State, Note>,
): Binder<Client, Inside, Outside, Options> {
  return (client, cache, options) => {
    checkOptions(options, adapter.options ?? [], `bind ${adapter.name}`)
    checkCache(cache, adapter.name)
    const levels = new AsyncLocalStorage<Level<Tx, Inside, State, Note>>()
    const state = adapter.open?.(client, options ?? ({} as Options)) as State
    const binding: Binding<Tx, Inside, State, Note> = { adapter, cache, state, levels }

    const current = () => levelHere(binding)
    const once = async <T>(
      body: (handle: TransactionHandle<Inside>) => T | Promise<T>,
      given: TransactionOptions,
    ): Promise<T> => {
      let transaction: Transaction<T, Tx, Inside, State, Note> | undefined
      let value: T
      try {
        const run = async (tx: Tx): Promise<T> => {
          // A client that runs the body again by itself has given up the transaction before.
          await transaction?.failed()
          transaction = new Transaction(binding, given)
          return await transaction.run(tx, body)
        }
        value = await adapter.run(client, run, given, state)
      } catch (error) {
        // What was thrown is what the caller is to hear of, whatever else fails.
        await Promise.allSettled([transaction?.failed()])
        if (transaction?.undone !== undefined) return transaction.undone.value
        throw error
      }
      await transaction?.committed()
      return value
    }
    const transaction: Door<Inside>['transaction'] = async (body, given = {}) => {
      checkTransaction(given, adapter.name)
      const here = current()
      if (here !== undefined) {
        checkJoined(given, here.options)
        return await here.nested(body)
      }
      for (let left = given.retries ?? 0; ; left--) {
        try {
          return await once(body, given)
        } catch (error) {
          if (left === 0 || adapter.retryable?.(error) !== true) throw error
        }
      }
    }
    const door: Door<Inside, State> = { state, current: () => current()?.handle, transaction }
    const outside = adapter.outside?.(client, door) ?? ({} as Outside)
    const bound = Object.assign(outside, { name: adapter.name, transaction })
    if (adapter.reads !== undefined) Object.defineProperty(bound, READING, { value: reading(binding, door) })
    noteBinding(cache, adapter.identity?.(client) ?? client, adapter.name)
    return bound
  }
}

/** What the dependency audit runs loaders in. */
function reading<Tx, Inside extends object, State, Note>(
  binding: Binding<Tx, Inside, State, Note>,
  { transaction }: Door<Inside>,
): RunReading {
  return (body) =>
    transaction(
      async (handle) => {
        // Reads of the cache go past it.
        handle.unit.setUntouched(false)
        const value = await body(handle)
        const level = binding.levels.getStore() as Level<Tx, Inside, State, Note>
        const reads = await level.reads()
        await handle.rollback()
        return { value, reads }
      },
      { readOnly: true, name: 'audit' },
    )
}

/** The level that the caller runs in, or what is left of it. */
function levelHere<Tx, Inside extends object, State, Note>(
  binding: Binding<Tx, Inside, State, Note>,
): Level<Tx, Inside, State, Note> | undefined {
  let level = binding.levels.getStore()
  while (level !== undefined && !level.open) {
    if (level.rolledBack) throw closed('A call of the bound database', true)
    level = level.parent
  }
  // Where the cache has left the unit's context, it loads what others share: not to be read in an open transaction.
  return binding.cache.currentUnit() === undefined ? undefined : level
}

function checkTransaction(options: TransactionOptions, name: string): void {
  const what = `${name}: transaction`
  checkOptions(options, OPTIONS, what)
  if (options.isolation !== undefined) checkChoice(options.isolation, LEVELS, `${what}: isolation`)
  if (options.readOnly !== undefined) checkChoice(options.readOnly, [true, false], `${what}: readOnly`)
  if (options.retries !== undefined) checkCount(options.retries, 0, `${what}: retries`)
}

function checkJoined({ isolation }: TransactionOptions, outermost: TransactionOptions): void {
  if (isolation === undefined || isolation === outermost.isolation) return
  throw new CacheError(
    'INVALID_OPTION',
    `transaction: isolation ${show(isolation)} is asked for inside a transaction that began with ${show(outermost.isolation ?? 'the default')}. A savepoint has the isolation of its transaction: ask for it there.`,
  )
}

function checkCache(cache: UnitSource, name: string): void {
  if (typeof cache?.unitOfWork === 'function' && typeof cache.currentUnit === 'function') return
  throw new CacheError(
    'INVALID_ARGUMENT',
    `bind ${name}: ${show(cache)} is no cache. Pass what createCache returned.`,
  )
}

/** Refuses a client that is bound to the cache already. Objects that stand in for a cache keep no such list. */
function noteBinding(cache: UnitSource, client: unknown, name: string): void {
  const bound = findExtension(cache)?.bound
  const isObject = typeof client === 'function' || (typeof client === 'object' && client !== null)
  if (bound === undefined || !isObject) return
  const before = bound.get(client)
  if (before !== undefined) {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `bind ${name}: this client is bound to this cache already, by ${before}. Bind it once and share the bound database: a second one would not join transactions of the first.`,
    )
  }
  bound.set(client, name)
}
