import type { Chooser } from './conductor.ts'
import { Dice } from './dice.ts'
import type { Fault } from './faults.ts'
import type { Options, Passing } from './options.ts'
import type { Step } from './steps.ts'

/** Everything goes its usual way. */
export const usualChooser: Chooser = { choose: ({ usual }) => usual }

/** The usual way but for some turns, by the number of the choice. */
export function turning(turns: ReadonlyMap<number, number>): Chooser {
  let choice = 0
  return {
    choose(options) {
      if (!options.open) return 0
      const at = turns.get(choice++) ?? options.usual
      return options.at(at) === undefined ? options.usual : at
    },
  }
}

/** A random walk; how it walks is drawn from the seed too, since different bugs like different walks. */
export function randomChooser(seed: number): Chooser {
  const dice = new Dice(seed)
  const trouble = dice.of([0.02, 0.05, 0.15])
  const walk = dice.of([uniform, sticky, lazy, lazy, ranked])(dice)
  return {
    choose(options) {
      if (options.troubled && dice.chance(trouble) && options.faults.length > 0) {
        return options.steps.length + fault(options.faults, dice)
      }
      return options.steps.length === 1 ? 0 : walk(options)
    },
  }
}

type Walk = (options: Options) => number

/** Of each kind of trouble one is as likely as of any other, however many there are of each. */
function fault(faults: readonly Fault[], dice: Dice): number {
  const kind = dice.of([...new Set(faults.map((one) => one.kind))])
  return dice.of(faults.flatMap((one, at) => (one.kind === kind ? at : [])))
}

function uniform(dice: Dice): Walk {
  return ({ steps }) => dice.below(steps.length)
}

/** Mostly lets what happens go on. */
function sticky(dice: Dice): Walk {
  const stay = dice.of([0.5, 0.8, 0.95])
  return ({ steps, usual }) => (dice.chance(stay) ? usual : dice.below(steps.length))
}

/** Puts off one sort of step of one process for as long as it can. */
function lazy(dice: Dice): Walk {
  const kind = dice.of(['reply', 'message', 'ask', 'database', 'timer', 'act'] as const)
  const process = dice.of(['A', 'B', 'C', undefined])
  const fair = dice.of([0, 0.03, 0.1])
  const rest = sticky(dice)
  const isLazy = (step: Step | Passing | undefined) =>
    step?.kind === kind && (process === undefined || (step as Step).process === process)
  return (options) => {
    const { steps, usual } = options
    if (!isLazy(steps[usual])) {
      const at = rest(options)
      return !isLazy(steps[at]) || dice.chance(fair) ? at : usual
    }
    const others = steps.flatMap((step, at) => (isLazy(step) ? [] : at))
    if (others.length > 0) return dice.chance(fair) ? usual : dice.of(others)
    // With nothing else left to do, time can go by.
    const pass = options.troubled ? options.faults.findIndex(({ kind: trouble }) => trouble === 'pass') : -1
    return pass >= 0 && dice.chance(0.5) ? steps.length + pass : usual
  }
}

/** Every chain has a rank; the highest goes on, and now and then it falls to the lowest. */
function ranked(dice: Dice): Walk {
  const ranks = new Map<number, number>()
  const fall = dice.of([0.02, 0.05, 0.1])
  const rankOf = (step: Step | Passing | undefined) => {
    const { chain = 0 } = step as Partial<Step>
    const known = ranks.get(chain) ?? dice.fraction()
    ranks.set(chain, known)
    return known
  }
  let lowest = 0
  return ({ steps }) => {
    let best = 0
    for (let at = 1; at < steps.length; at++) if (rankOf(steps[at]) > rankOf(steps[best])) best = at
    if (dice.chance(fall)) ranks.set((steps[best] as Partial<Step>).chain ?? 0, --lowest)
    return best
  }
}
