import { Client } from 'pg'

/**
 * Has so many connections each begin a transaction that writes so many tables, and leave it open: what they hold is in
 * the server's table of locks. Resolves with what rolls them back.
 */
export async function openTransactions(
  url: string,
  count: number,
  tables: number,
): Promise<() => Promise<void>> {
  const writes = Array.from({ length: tables }, (_, at) => `UPDATE other_${at} SET n = n + 1 WHERE false`)
  const clients: Client[] = []
  for (let at = 0; at < count; at++) {
    const client = new Client({ connectionString: url })
    await client.connect()
    await client.query(`BEGIN; ${writes.join('; ')}`)
    clients.push(client)
  }
  return async () => {
    await Promise.all(clients.map((client) => client.end()))
  }
}

/** The tables that {@link openTransactions} writes. */
export function otherTables(tables: number): string {
  return Array.from({ length: tables }, (_, at) => `CREATE TABLE other_${at} (n int PRIMARY KEY);`).join(' ')
}
