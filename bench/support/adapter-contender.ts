import type { Cache } from 'coherent-cache'

/** A database client that can be bound: the same one-row transaction without a cache, and bound to one. */
export interface AdapterContender {
  readonly name: string
  /** `UPDATE items SET amount = amount + 1`, of one row by its key, as the client's own idiom has it. */
  unbound(id: number): Promise<unknown>
  bound(id: number): Promise<unknown>
  close(): Promise<unknown>
}

/** Where the databases are. */
export interface AdapterServers {
  readonly postgres: string
  readonly mariadbPort: number
  /** A folder for files. */
  readonly folder: string
}

/** What `test/databases/bench/adapters.ts` exports: there, because that is where the clients are installed. */
export interface AdaptersModule {
  openAdapters(servers: AdapterServers, cache: Cache): Promise<readonly AdapterContender[]>
  startMariadb(): Promise<{ readonly port: number; stop(): Promise<void> }>
}
