/** What an audit found of one loader. */
export type AuditStatus =
  /** Every table that it read makes its key void when it is written. */
  | 'declared'
  /** It read a table whose writes leave its key as it is. */
  | 'undeclared'
  /** It ran, and no read of it was seen: nothing is known of it. */
  | 'unseen'
  /** It threw, or its key is none. */
  | 'failed'

/** A table that a loader read. */
export interface AuditedTable {
  readonly table: string
  /** Whether a write of it makes the loader's key void. */
  readonly declared: boolean
  /** The ways to it through views, the outermost view first; empty where it was read directly alone. */
  readonly through: readonly (readonly string[])[]
}

/** One loader, as it was audited. */
export interface AuditedLoader {
  readonly name: string
  readonly key: string
  /** The key's family, where it has one. */
  readonly family: string | undefined
  readonly status: AuditStatus
  /** Every table that it read, in the order of the alphabet. */
  readonly tables: readonly AuditedTable[]
  /** Lines for the map that would declare what is not declared. */
  readonly missing: readonly string[]
  /** What it threw. */
  readonly error: unknown
}

/** A table that the map declares, and that none of the loaders concerned has read. */
export interface UnreadTable {
  readonly table: string
  /** The key family; for a key of no family the key. */
  readonly of: string
}

/** What an audit found. */
export interface AuditReport {
  /** Whether every loader is `'declared'`. What was never read is a warning, and does not count. */
  readonly ok: boolean
  /** The cache's name. */
  readonly cache: string
  /** The name of the database's adapter. */
  readonly database: string
  readonly loaders: readonly AuditedLoader[]
  /** Declared, and read by none of the loaders of its family: writes of it make keys void for nothing, if this is all. */
  readonly unread: readonly UnreadTable[]
  /** Key families of `keys` that no loader had a key of. */
  readonly unaudited: readonly string[]
}
