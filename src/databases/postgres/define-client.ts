import type { Door, TransactionOptions } from '../adapter.ts'
import { type Binder, defineDatabase } from '../define-database.ts'
import { PostgresKnowledge, type PostgresOptions, type StatementNote } from './observe.ts'
import { readsOfPostgres } from './reads.ts'
import { confirmPostgres, sealPostgres } from './seal.ts'
import { inSavepoint, isRetryable } from './session.ts'
import { type Runner, runWatched, type WatchedTransaction } from './watched-transaction.ts'

/** Options of binding a query builder or an ORM over PostgreSQL. */
export type PostgresBindOptions = PostgresOptions

/** A query builder or an ORM that runs transactions on PostgreSQL, over a connection that can be watched. */
export interface PostgresClient<Client, Own, Inside extends object, Outside extends object> {
  readonly name: string
  /** @throws CacheError where this is no such client, or not one of PostgreSQL */
  check(client: Client): void
  /** How the client runs a transaction. */
  runner(client: Client, options: TransactionOptions): Runner<Own>
  /** Called when a transaction has begun. @default nothing */
  begun?(transaction: WatchedTransaction<Own>): void
  /** A savepoint in the client's own way. @default one that the client knows nothing of */
  savepoint?<T>(own: Own, body: (own: Own) => Promise<T>): Promise<T>
  /** Sends what the client has gathered and not written yet. @default nothing */
  finish?(own: Own): Promise<void>
  /** What the body is given: a new object each time. */
  inside(own: Own): Inside
  /** The properties of the bound database. */
  outside(client: Client, current: Door<Inside>['current']): Outside
}

/** Makes a binder for such a client. */
export function definePostgresClient<Client, Own, Inside extends object, Outside extends object>(
  definition: PostgresClient<Client, Own, Inside, Outside>,
): Binder<Client, Inside, Outside, PostgresBindOptions> {
  const { name } = definition
  return defineDatabase<
    Client,
    { readonly own: Own; readonly shared: WatchedTransaction<Own> },
    Inside,
    Outside,
    PostgresBindOptions,
    PostgresKnowledge,
    StatementNote
  >({
    name,
    options: ['detectWrites', 'journal'],
    notices: true,
    open(client, options) {
      definition.check(client)
      const ask = (text: string) => definition.runner(client, {}).ask(text)
      return new PostgresKnowledge(options, ask, `bind ${name}`)
    },
    run: (client, body, options, { mark }) =>
      runWatched(definition.runner(client, options), { ...options, mark }, (shared) => {
        definition.begun?.(shared)
        return body({ own: shared.own, shared })
      }),
    async savepoint({ own, shared }, body, savepoint) {
      const around = shared.work
      try {
        if (definition.savepoint !== undefined) {
          return await definition.savepoint(own, (nested) => body({ own: nested, shared }))
        }
        return await inSavepoint(shared.send, savepoint, () => body({ own, shared }))
      } finally {
        shared.work = around
      }
    },
    finish: async ({ own }) => definition.finish?.(own),
    seal: ({ shared }, work) => sealPostgres(shared.send, work),
    confirm: ({ shared }) => confirmPostgres(shared.send),
    reads: ({ shared }) => readsOfPostgres(shared.send),
    retryable: isRetryable,
    inside({ own, shared }, work) {
      shared.work = work
      return definition.inside(own)
    },
    outside: (client, { current }) => definition.outside(client, current),
  })
}
