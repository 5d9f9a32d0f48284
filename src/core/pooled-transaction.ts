/** What is used of a connection of a pool of mysql2, by whatever runs transactions on one. */
export interface PooledConnection {
  query(sql: string): Promise<unknown>
  release(): void
  destroy(): void
}

/**
 * A transaction on a connection of its own, which goes back to the pool only if it is certain to be out of it: where
 * neither COMMIT nor ROLLBACK was answered, the connection is destroyed.
 *
 * @param begin What is sent to begin, one after another.
 */
export async function pooledTransaction<Connection extends PooledConnection, T>(
  pool: { getConnection(): Promise<Connection> },
  begin: readonly string[],
  body: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await pool.getConnection()
  let usable = false
  try {
    for (const statement of begin) await connection.query(statement)
    const value = await body(connection)
    await connection.query('COMMIT')
    usable = true
    return value
  } catch (error) {
    await connection.query('ROLLBACK').then(
      () => {
        usable = true
      },
      // The connection is lost, and is destroyed below.
      () => undefined,
    )
    throw error
  } finally {
    if (usable) connection.release()
    else connection.destroy()
  }
}
