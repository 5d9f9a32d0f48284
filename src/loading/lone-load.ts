/** A load for one reader alone: nobody shares it, and its value is kept nowhere. */
export class LoneLoad<T> {
  readonly plan: { readonly key: string }
  readonly landed: Promise<T>
  readonly keeps = false
  readonly #abort = new AbortController()

  /** Begins at once. @param key names it in errors */
  constructor(key: string, load: (signal: AbortSignal) => Promise<T>) {
    this.plan = { key }
    this.landed = load(this.#abort.signal)
    // Its reader may have given up by the time it fails.
    this.landed.catch(() => {})
  }

  join(): void {}

  /** It goes on all the same. */
  detach(): void {}

  /** The reader gives up, and with it the load. */
  leave(reason: unknown): void {
    this.#abort.abort(reason)
  }
}
