import { type PgConnection, type WatchedConnection, watchedPg } from './watched-connection.ts'

/** The connection that a transaction of Knex holds. */
export async function watchedKnex(trx: unknown): Promise<WatchedConnection> {
  const { client } = trx as { readonly client: { acquireConnection(): Promise<PgConnection> } }
  return watchedPg(await client.acquireConnection())
}
