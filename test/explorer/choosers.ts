import type { Chooser, Option } from './conductor.ts'
import { Dice } from './dice.ts'
import type { Step } from './steps.ts'

/** Everything goes its usual way. */
export const usualChooser: Chooser = { choose: (_, usual) => usual }

/** The usual way but for some turns, by the number of the choice. */
export function turning(turns: ReadonlyMap<number, number>): Chooser {
  let choice = 0
  return {
    choose(options, usual) {
      if (options.length === 1) return 0
      const at = turns.get(choice++) ?? usual
      return at < options.length ? at : usual
    },
  }
}

/** A random walk; how it walks is drawn from the seed too, since different bugs like different walks. */
export function randomChooser(seed: number): Chooser {
  const dice = new Dice(seed)
  const trouble = dice.of([0.02, 0.05, 0.15])
  const walk = dice.of([uniform, sticky, lazy, lazy, ranked])(dice)
  return {
    choose(options, usual) {
      const faults = options.findIndex(isFault)
      if (faults < 0) return walk(options, usual)
      if (faults === 0 || dice.chance(trouble)) return fault(options, faults, dice)
      return faults === 1 ? 0 : walk(options.slice(0, faults), usual)
    },
  }
}

type Walk = (options: readonly Option[], usual: number) => number

/** Of each kind of trouble one is as likely as of any other, however many there are of each. */
function fault(options: readonly Option[], first: number, dice: Dice): number {
  const kinds = [...new Set(options.slice(first).map(({ kind }) => kind))]
  const kind = dice.of(kinds)
  const places = options.flatMap((option, at) => (at >= first && option.kind === kind ? at : []))
  return dice.of(places)
}

function isFault(option: Option): boolean {
  return !('id' in option) && option.kind !== 'time'
}

function uniform(dice: Dice): Walk {
  return (options) => dice.below(options.length)
}

/** Mostly lets what happens go on. */
function sticky(dice: Dice): Walk {
  const stay = dice.of([0.5, 0.8, 0.95])
  return (options, usual) => (dice.chance(stay) ? usual : dice.below(options.length))
}

/** Puts off one sort of step of one process for as long as it can. */
function lazy(dice: Dice): Walk {
  const kind = dice.of(['reply', 'message', 'ask', 'database', 'timer', 'act'] as const)
  const process = dice.of(['A', 'B', 'C', undefined])
  const fair = dice.of([0, 0.03, 0.1])
  const rest = sticky(dice)
  return (options, usual) => {
    const isLazy = (option: Option) =>
      option.kind === kind && (process === undefined || (option as Step).process === process)
    if (!isLazy(options[usual] as Option)) {
      const at = rest(options, usual)
      if (!isLazy(options[at] as Option) || dice.chance(fair)) return at
      return usual
    }
    const others = options.flatMap((option, at) => (isLazy(option) ? [] : at))
    return others.length === 0 || dice.chance(fair) ? usual : dice.of(others)
  }
}

/** Every chain has a rank; the highest goes on, and now and then it falls to the lowest. */
function ranked(dice: Dice): Walk {
  const ranks = new Map<number, number>()
  const fall = dice.of([0.02, 0.05, 0.1])
  const rankOf = (option: Option) => {
    const { chain = 0 } = option as Partial<Step>
    const known = ranks.get(chain) ?? dice.fraction()
    ranks.set(chain, known)
    return known
  }
  let lowest = 0
  return (options) => {
    let best = 0
    for (let at = 1; at < options.length; at++) {
      if (rankOf(options[at] as Option) > rankOf(options[best] as Option)) best = at
    }
    if (dice.chance(fall)) ranks.set((options[best] as Partial<Step>).chain ?? 0, --lowest)
    return best
  }
}
