import { type Chooser, CUT } from './conductor.ts'
import { independent, nameOf } from './independence.ts'
import type { Option, Options } from './options.ts'

/** A point where several things could happen. */
interface Node {
  readonly options: readonly Option[]
  /** The places to be tried, the usual one first. */
  readonly order: readonly number[]
  readonly usual: number
  /** How many of them have been tried. */
  tried: number
  /** What need not come first here: another branch has begun with it before, and it made no difference. */
  readonly asleep: ReadonlySet<number | string>
  /** How many turnings from the usual way have been taken up to here. */
  readonly turns: number
}

/**
 * Goes through every schedule of a scenario, one at a time. Of schedules that differ only in the order of what has
 * nothing to do with each other it plays one (sleep sets). With `mostTurns` it plays instead all those that turn from
 * the usual way at most so often, trouble being a turn like any other; that bound and sleep sets do not go together.
 */
export class Exhaustive implements Chooser {
  readonly #mostTurns: number | undefined
  readonly #path: Node[] = []
  #depth = 0

  constructor(mostTurns?: number) {
    this.#mostTurns = mostTurns
  }

  choose(options: Options): number {
    const node = this.#path[this.#depth] ?? this.#grow(options)
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

  #grow({ steps, faults, usual }: Options): Node | undefined {
    const options: readonly Option[] = [...steps, ...faults]
    const parent = this.#path.at(-1)
    const bounded = this.#mostTurns !== undefined
    const asleep = parent === undefined || bounded ? new Set<number | string>() : sleepersAfter(parent)
    const turned = parent !== undefined && parent.order[parent.tried] !== parent.usual
    const turns = (parent?.turns ?? 0) + (turned ? 1 : 0)
    const free = !bounded || turns < (this.#mostTurns as number)
    const others = free ? options.map((_, at) => at).filter((at) => at !== usual) : []
    const order = [usual, ...others].filter((at) => !asleep.has(nameOf(options[at] as Option)))
    if (order.length === 0) return undefined
    const node: Node = { options, order, usual, tried: 0, asleep, turns }
    this.#path.push(node)
    return node
  }
}

/** What sleeps after that which a node is at: what slept or was tried before it, and is independent of it. */
function sleepersAfter({ options, order, tried, asleep }: Node): ReadonlySet<number | string> {
  const taken = options[order[tried] as number] as Option
  const before = new Set(order.slice(0, tried))
  const after = new Set<number | string>()
  for (const [at, option] of options.entries()) {
    if ((before.has(at) || asleep.has(nameOf(option))) && independent(option, taken))
      after.add(nameOf(option))
  }
  return after
}
