import type { Transaction } from './database.ts'
import { SOFT_LOCK } from './scenario.ts'
import type { World } from './world.ts'

/** How far a process without timers is from its next one. */
const STRIDE = SOFT_LOCK / 3

/**
 * How long a COMMIT may take where soft locks are in use. It is promised to be answered within half a lock's lifetime of
 * its sending, or while its lock lies; or later, if its process is able to renew meanwhile: if whatever it has to do is
 * done whenever it falls due. Whether it then does renew is its own affair.
 */
export class Patience {
  readonly #world: World
  /** Transactions whose process was kept from renewing, or may have been. */
  readonly #hindered = new Set<Transaction>()

  constructor(world: World) {
    this.#world = world
  }

  /** Until when time may go without anybody being able to do anything. */
  limit(): number {
    const { database, wire } = this.#world
    let limit = Number.POSITIVE_INFINITY
    for (const { process, committing = 0 } of database.committing()) {
      const locks = [...wire.locks.values()].filter((lock) => lock.process === process)
      const renewed = Math.min(...locks.map(({ until }) => until - 1))
      const promised = committing + SOFT_LOCK / 2
      limit = Math.min(limit, locks.length === 0 ? promised : Math.max(promised, renewed))
    }
    return limit
  }

  /** How far it may go beyond that: to the next timer, where nobody who commits has anything left to do. */
  next(): number | undefined {
    const { database, time, steps } = this.#world
    const committing = database.committing()
    if (committing.length === 0) return undefined
    let by = STRIDE
    for (const tx of committing) {
      const busy = steps.pending.some((step) => step.process === tx.process && step.kind !== 'database')
      if (busy || this.#hindered.has(tx)) return undefined
      by = Math.min(by, time.untilNext(tx.process) ?? STRIDE)
    }
    return by > 0 ? by : undefined
  }

  /** Time is about to go by. */
  pass(by: number): void {
    const { database, time, steps } = this.#world
    for (const tx of database.committing()) {
      const busy = steps.pending.some((step) => step.process === tx.process && step.kind !== 'database')
      if (busy || by > (time.untilNext(tx.process) ?? by)) this.#hindered.add(tx)
    }
  }
}
