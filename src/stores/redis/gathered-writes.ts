/** A socket that can hold back what is written to it. */
export interface Corkable {
  cork(): void
  uncork(): void
}

/**
 * Gathers what is sent over one connection within one turn of the event loop. The first command goes at once, so that
 * whoever is alone waits for nobody; those that follow go together, when the turn ends. ioredis could do so by pipelines
 * (auto-pipelining), but sends nothing before the next turn then, and makes a pipeline even for one command.
 */
export class GatheredWrites {
  readonly #stream: () => Corkable | undefined
  #sending = false
  #corked: Corkable | undefined

  /** @param stream the socket of the moment: another one after each reconnection */
  constructor(stream: () => Corkable | undefined) {
    this.#stream = stream
  }

  /** To be called before each command. */
  beforeCommand(): void {
    if (!this.#sending) {
      this.#sending = true
      process.nextTick(this.#endTurn)
    } else if (this.#corked === undefined) {
      this.#corked = this.#stream()
      this.#corked?.cork()
    }
  }

  readonly #endTurn = (): void => {
    this.#sending = false
    this.#corked?.uncork()
    this.#corked = undefined
  }
}
