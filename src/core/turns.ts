/** Turns of which a limited number is taken at once; who comes later waits, oldest first. */
export class Turns {
  readonly #concurrency: number
  readonly #queue: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** @param queue how many may wait at most */
  constructor(concurrency: number, queue: number) {
    this.#concurrency = concurrency
    this.#queue = queue
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Whether nobody more may wait. */
  get full(): boolean {
    return this.#running >= this.#concurrency && this.#waiting.length >= this.#queue
  }

  /** Resolves when it is the caller's turn, who {@link give}s it back. */
  async take(): Promise<void> {
    if (this.#running < this.#concurrency) {
      this.#running++
      return
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /**
   * As {@link take}, for who may stop waiting. Resolves to whether there is a turn to give back.
   *
   * @param onOver is given what ends the wait, should it not have ended by then
   */
  async takeUnless(onOver: (over: () => void) => void): Promise<boolean> {
    if (this.#running < this.#concurrency) {
      this.#running++
      return true
    }
    return new Promise((resolve) => {
      const mine = () => resolve(true)
      this.#waiting.push(mine)
      onOver(() => {
        const at = this.#waiting.indexOf(mine)
        if (at < 0) return
        this.#waiting.splice(at, 1)
        resolve(false)
      })
    })
  }

  /** Hands the turn on. */
  give(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
  }
}
