import { AsyncLocalStorage } from 'node:async_hooks'
import type { UnitOfWork } from '../core/unit.ts'

/** A load that others may wait for, and that may wait for others. */
export interface WaitingLoad {
  dependsOn(other: WaitingLoad): boolean
  waitFor(other: WaitingLoad): void
}

/** A loader at work. */
export interface LoadFrame {
  readonly kind: 'load'
  readonly keys: readonly string[]
  readonly parent: Frame | undefined
  /** Whether what it reads must come from the source too: no store has been told of what its reader must see. */
  readonly uncached?: boolean
  /** The shared loads it works for; none where it loads for one reader alone. */
  readonly flights?: readonly WaitingLoad[]
  /** Whether it has answered: work it left behind is no longer inside it. */
  ended?: boolean
}

/** What the code that runs now is inside of. */
export type Frame = { readonly kind: 'unit'; readonly unit: UnitOfWork } | LoadFrame

/**
 * The ambient unit of work or load of one cache. Belongs to the cache instance: two copies of this package in a
 * process, or two caches, never see each other's.
 */
export class UnitContext {
  readonly #frames = new AsyncLocalStorage<Frame | undefined>()
  /**
   * How many frames are open. While none is, nobody need be asked, and the storage is switched off: one that is on makes
   * every promise of the process three times as dear.
   */
  #open = 0
  /** Those of them that nobody sees end. */
  #endless = 0
  #closed = false

  /** Whether anything surrounds anybody at all. */
  get busy(): boolean {
    return this.#open > 0
  }

  /** What surrounds the caller. What is over surrounds nobody: a timer set inside it may fire long afterwards. */
  current(): Frame | undefined {
    if (this.#open === 0) return undefined
    let frame = this.#frames.getStore()
    while (frame !== undefined && isOver(frame)) frame = frame.kind === 'load' ? frame.parent : undefined
    return frame
  }

  unit(): UnitOfWork | undefined {
    let frame = this.current()
    while (frame?.kind === 'load') frame = frame.parent
    return frame === undefined || isOver(frame) ? undefined : frame.unit
  }

  /**
   * Keeps the storage on for nothing but bodies that still run: those stay inside their frame to the end, or a transaction
   * would send half of its statements elsewhere.
   */
  close(): void {
    this.#closed = true
    for (; this.#endless > 0; this.#endless--) this.#leave()
  }

  /** Runs `body` inside the frame, until what it returns has settled. */
  run<T>(frame: Frame | undefined, body: () => T): T {
    this.#open++
    let result: T
    try {
      result = this.#frames.run(frame, body)
    } catch (error) {
      this.#leave()
      throw error
    }
    // A lazy thenable (a query builder) must not be started from here: its frame stays open, which costs a look-up.
    if (isThenable(result) && !(result instanceof Promise)) {
      if (this.#closed) this.#leave()
      else this.#endless++
      return result
    }
    const close = () => {
      this.#leave()
      if (frame?.kind === 'load') frame.ended = true
    }
    if (result instanceof Promise) result.then(close, close)
    else close()
    return result
  }

  #leave(): void {
    if (--this.#open === 0) this.#frames.disable()
  }
}

function isOver(frame: Frame): boolean {
  if (frame.kind === 'load') return frame.ended === true
  return frame.unit.state === 'committed' || frame.unit.state === 'rolledBack'
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}
