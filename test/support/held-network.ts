import { settle } from 'coherent-cache/testing'

/** Stands between the caches of a fleet and their `memoryStore`: a test holds, loses, reverses and delivers messages. */
export interface HeldNetwork {
  /** For `memoryStore({ schedule })`. */
  readonly schedule: (step: () => void, what: 'reply' | 'message') => void
  /** From now on messages, or the store's steps and answers, wait to be delivered. */
  hold(what: 'reply' | 'message'): void
  /** What waits. */
  readonly waiting: number
  /** Delivers what waits, in the order given to it, and holds nothing any more. */
  deliver(order?: (steps: (() => void)[]) => (() => void)[]): void
  /** Lets one of those that wait happen, and goes on holding. */
  run(at: number): Promise<void>
  /** Loses what waits; goes on holding. */
  lose(): void
}

export function heldNetwork(): HeldNetwork {
  const holding = new Set<'reply' | 'message'>()
  let steps: (() => void)[] = []
  return {
    schedule(step, what) {
      if (holding.has(what)) steps.push(step)
      else queueMicrotask(step)
    },
    hold(what) {
      holding.add(what)
    },
    get waiting() {
      return steps.length
    },
    deliver(order = (all) => all) {
      holding.clear()
      const all = order(steps)
      steps = []
      for (const step of all) step()
    },
    async run(at) {
      const [step] = steps.splice(at, 1)
      step?.()
      await settle()
    },
    lose() {
      steps = []
    },
  }
}
