/** How much the latest load counts. */
const WEIGHT = 0.25

/** How long loads have taken lately in this process, by family; all keys of no family together. */
export class LoadTimes {
  readonly #averages = new Map<string | undefined, number>()

  /** In milliseconds; 0 before the first load. */
  of(family: string | undefined): number {
    return this.#averages.get(family) ?? 0
  }

  note(family: string | undefined, durationMs: number): void {
    const before = this.#averages.get(family) ?? durationMs
    this.#averages.set(family, before + WEIGHT * (durationMs - before))
  }
}
