/** What is used of a client of `pg` that was made with `replication: 'database'`. */
export interface ReplicationClient {
  connect(): Promise<unknown>
  query(text: string): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>
  end(): Promise<void>
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  /** Reads a type's text. */
  getTypeParser?(oid: number, format: 'text'): (text: string) => unknown
}

/** What is used of the connection behind it, which `pg` does not put into its types. */
export interface ReplicationConnection {
  on(event: 'copyData', listener: (message: { readonly chunk: Uint8Array }) => void): unknown
  /** The server has accepted START_REPLICATION. */
  on(event: 'replicationStart', listener: () => void): unknown
  sendCopyFromChunk(chunk: Uint8Array): void
  readonly stream: { pause(): unknown; resume(): unknown; destroy(): unknown }
}

export function connectionOf(client: ReplicationClient): ReplicationConnection | undefined {
  const { connection } = client as { readonly connection?: Partial<ReplicationConnection> }
  return typeof connection?.sendCopyFromChunk === 'function'
    ? (connection as ReplicationConnection)
    : undefined
}

/** A name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
