import { AsyncLocalStorage } from 'node:async_hooks'
import type { UnitOfWork } from '../core/unit.ts'

/** What the code that runs now is inside of. */
export type Frame =
  | { readonly kind: 'unit'; readonly unit: UnitOfWork }
  | { readonly kind: 'load'; readonly keys: readonly string[]; readonly parent: Frame | undefined }

/**
 * The ambient unit of work or load of one cache. Belongs to the cache instance: two copies of this package in a
 * process, or two caches, never see each other's.
 */
export class UnitContext {
  readonly #frames = new AsyncLocalStorage<Frame | undefined>()
  /** How many frames are open at all: while none is, nobody need be asked. */
  #open = 0

  /** What surrounds the caller. */
  current(): Frame | undefined {
    return this.#open === 0 ? undefined : this.#frames.getStore()
  }

  unit(): UnitOfWork | undefined {
    let frame = this.current()
    while (frame?.kind === 'load') frame = frame.parent
    return frame?.unit
  }

  /** Runs `body` inside the frame, until what it returns has settled. */
  run<T>(frame: Frame | undefined, body: () => T): T {
    this.#open++
    let result: T
    try {
      result = this.#frames.run(frame, body)
    } catch (error) {
      this.#open--
      throw error
    }
    // A lazy thenable (a query builder) must not be started from here: its frame stays open, which costs a look-up.
    if (isThenable(result) && !(result instanceof Promise)) return result
    const close = () => {
      this.#open--
    }
    if (result instanceof Promise) result.then(close, close)
    else close()
    return result
  }
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
