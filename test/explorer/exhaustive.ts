import { type Chooser, CUT, type Option } from './conductor.ts'
import type { Step } from './steps.ts'

/** A point where several things could happen. */
interface Node {
  readonly options: readonly Option[]
  /** The places to be tried, the usual one first. */
  readonly order: readonly number[]
  readonly usual: number
  /** How many of them have been tried. */
  tried: number
  /** Steps that need not be taken first here: another branch has taken them before, and it made no difference. */
  readonly asleep: ReadonlySet<number>
  /** How many turnings from the usual way have been taken up to here. */
  readonly turns: number
}

/**
 * Goes through every schedule of a scenario, one at a time. Of schedules that differ only in the order of steps that
 * have nothing to do with each other it plays one (sleep sets); with `mostTurns` it plays instead all those that turn
 * from the usual way at most so often.
 */
export class Exhaustive implements Chooser {
  readonly #mostTurns: number | undefined
  readonly #path: Node[] = []
  #depth = 0

  constructor(mostTurns?: number) {
    this.#mostTurns = mostTurns
  }

  choose(options: readonly Option[], usual: number): number {
    const node = this.#path[this.#depth] ?? this.#grow(options, usual)
    if (node === undefined) return CUT
    this.#depth++
    return node.order[node.tried] as number
  }

  /** Turns to the next schedule. False: there is none. */
  next(): boolean {
    this.#depth = 0
    for (let node = this.#path.at(-1); node !== undefined; node = this.#path.at(-1)) {
      if (++node.tried < node.order.length) return true
      this.#path.pop()
    }
    return false
  }

  /** About which part has been gone through, from 0 to 1, as far as the branches are alike. */
  get progress(): number {
    let part = 0
    let share = 1
    for (const { order, tried } of this.#path) {
      share /= order.length
      part += share * tried
    }
    return part
  }

  #grow(options: readonly Option[], usual: number): Node | undefined {
    const parent = this.#path.at(-1)
    const bounded = this.#mostTurns !== undefined
    const asleep = parent === undefined || bounded ? new Set<number>() : sleepersAfter(parent)
    const turned = parent !== undefined && parent.order[parent.tried] !== parent.usual
    const turns = (parent?.turns ?? 0) + (turned ? 1 : 0)
    const free = !bounded || turns < (this.#mostTurns as number)
    const others = free ? options.map((_, at) => at).filter((at) => at !== usual) : []
    const order = [usual, ...others].filter((at) => !asleep.has((options[at] as Step).id))
    if (order.length === 0) return undefined
    const node: Node = { options, order, usual, tried: 0, asleep, turns }
    this.#path.push(node)
    return node
  }
}

/** What sleeps after the step a node is at: what slept or was tried before it, and is independent of it. */
function sleepersAfter({ options, order, tried, asleep }: Node): ReadonlySet<number> {
  const taken = options[order[tried] as number] as Option
  const after = new Set<number>()
  if (!('id' in taken)) return after
  const before = new Set(order.slice(0, tried))
  for (const [at, option] of options.entries()) {
    if (!('id' in option) || !(before.has(at) || asleep.has(option.id))) continue
    if (independent(option, taken)) after.add(option.id)
  }
  return after
}

/**
 * Whether two steps lead to the same in either order: they touch different things, and neither begins what is judged by
 * whether the other had ended.
 */
export function independent(one: Step, other: Step): boolean {
  if (placeOf(one) === placeOf(other)) return false
  return !(one.kind === 'act' && ends(other)) && !(other.kind === 'act' && ends(one))
}

/** What a step touches: the store, the database, or one process. */
function placeOf({ kind, process }: Step): string {
  return kind === 'ask' || kind === 'database' ? kind : process
}

function ends({ kind, outlives }: Step): boolean {
  return kind === 'reply' || (kind === 'database' && outlives)
}
