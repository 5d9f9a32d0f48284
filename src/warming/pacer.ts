import type { Clock } from '../core/clock.ts'
import { pause } from './pause.ts'

/**
 * Hands out starts at a steady rate. A start that came to nothing is given back, so that what need not be loaded costs
 * no time. After an idle while it does not make up for what was not asked for.
 */
export class Pacer {
  readonly #clock: Clock
  /** Milliseconds between two starts; 0: no limit. */
  readonly #gapMs: number
  /** When the next start is free. */
  #next = 0

  /** @param perSecond 0 for no limit */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock
    this.#gapMs = perSecond === 0 ? 0 : 1_000 / perSecond
  }

  /** Resolves when the next start may be made, or the signal is aborted. */
  async take(signal: AbortSignal): Promise<void> {
    if (this.#gapMs === 0) return
    const now = this.#clock.monotonic()
    const at = Math.max(now, this.#next)
    this.#next = at + this.#gapMs
    if (at > now) await pause(this.#clock, at - now, signal)
  }

  giveBack(): void {
    this.#next -= this.#gapMs
  }
}
