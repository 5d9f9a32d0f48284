import type { DailyReport, ReportId, Sql } from './database.ts'

/** One of the processes that serve the reports: what the traffic needs of it, however it caches. */
export interface Replica {
  /** The report, from the cache or from `load`. `committed`: never older than what any replica has acknowledged. */
  read(
    report: ReportId,
    load: () => Promise<DailyReport>,
    freshness: 'bounded' | 'committed',
  ): Promise<DailyReport>
  /**
   * Runs `body` in a transaction and resolves when its writer may be answered. `changed` lists the reports it
   * concerns, for a cache that has to be told.
   */
  write<T>(body: (tx: Sql) => Promise<T>, changed: readonly ReportId[]): Promise<T>
  /**
   * Reads answered so far, by whether they had to wait for the database; and writes that the shared tier, being away,
   * has not been told of: other replicas may answer without them until it has.
   */
  counts(): { readonly hits: number; readonly misses: number; readonly queued: number }
  close(): Promise<void>
}
