/** How many times the load's length before its end a value may be refreshed at the earliest. */
const EARLIEST = 10

/**
 * Whether a read should have a value loaded anew before it ends: the likelier, the nearer its end is and the longer its
 * load takes, so that one of many readers does it just in time and none has to wait. This is XFetch, which is shown to be
 * optimal among such rules in: A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal Probabilistic Cache Stampede
 * Prevention", PVLDB 8(8), 2015.
 *
 * @param leftMs until the value ends
 * @param loadMs how long its load takes
 * @param beta more than 1 refreshes earlier, less than 1 later
 * @param chance from 0 up to, not including, 1
 */
export function isDue(leftMs: number, loadMs: number, beta: number, chance: number): boolean {
  return -Math.log(1 - chance) * beta * loadMs >= leftMs
}

/** How long before its end a value may be refreshed at the earliest: before that, reads need not ask {@link isDue}. */
export function earliestMs(loadMs: number, beta: number): number {
  return EARLIEST * beta * loadMs
}
