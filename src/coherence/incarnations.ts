import type { Position } from '../core/store.ts'

/** The epochs under which the store has answered this process, kept whatever becomes of its connections. */
export class Incarnations {
  readonly #epochs = new Map<number, string>()

  /** Takes note of what a reply says. @returns whether it comes from another incarnation than the one before it. */
  note(positions: readonly Position[]): boolean {
    let another = false
    for (const { partition, epoch } of positions) {
      const known = this.#epochs.get(partition)
      if (known === epoch) continue
      if (known !== undefined) another = true
      this.#epochs.set(partition, epoch)
    }
    return another
  }
}
