/**
 * - `act`: somebody begins something;
 * - `ask`: the store carries out what it was asked; `reply`: its answer arrives;
 * - `message`: an invalidation, or an acknowledgement, arrives;
 * - `database`: the database carries out what it was asked;
 * - `timer`: a timer that is due fires.
 */
export type StepKind = 'act' | 'ask' | 'reply' | 'message' | 'database' | 'timer'

/** Something that will happen, at a moment to be chosen. Between two steps no promise is left to settle. */
export interface Step {
  readonly id: number
  readonly kind: StepKind
  /** In which process it happens, or for which. */
  readonly process: string
  /** What it follows from: everything that one beginning leads to is one chain. */
  readonly chain: number
  /** Steps of one lane happen in their order. */
  readonly lane: string | undefined
  /** Happens even where its process is no more by then: it was on its way. */
  readonly outlives: boolean
  readonly text: () => string
  readonly run: () => void
}

type Given = 'id' | 'chain' | 'lane' | 'outlives'
type NewStep = Omit<Step, Given> & Partial<Pick<Step, Exclude<Given, 'id'>>>

/** All that could happen next. */
export class Steps {
  #pending: Step[] = []
  #count = 0
  #chains = 0
  /** The chain of what happens now. */
  chain = 0

  get pending(): readonly Step[] {
    return this.#pending
  }

  /** The one added last. */
  get latest(): Step {
    return this.#pending.at(-1) as Step
  }

  newChain(): number {
    return ++this.#chains
  }

  add(step: NewStep): Step {
    const { kind, process, chain = this.chain, lane, outlives = false, text, run } = step
    const added: Step = { id: ++this.#count, kind, process, chain, lane, outlives, text, run }
    this.#pending.push(added)
    return added
  }

  /** Those that may happen now, the oldest first. */
  enabled(): Step[] {
    const lanes: string[] = []
    return this.#pending.filter(({ lane }) => {
      if (lane === undefined) return true
      if (lanes.includes(lane)) return false
      lanes.push(lane)
      return true
    })
  }

  /** Lets it happen. */
  take(step: Step): void {
    this.drop(step)
    this.chain = step.chain
    step.run()
  }

  /** It will never happen. */
  drop(step: Step): void {
    const at = this.#pending.indexOf(step)
    if (at >= 0) this.#pending.splice(at, 1)
  }

  dropWhere(matches: (step: Step) => boolean): void {
    this.#pending = this.#pending.filter((step) => !matches(step))
  }

  has(step: Step): boolean {
    return this.#pending.includes(step)
  }
}

/**
 * Resolves once everything that can go on without a step has: promises that settle, and what somebody has put off to the
 * end of the turn meanwhile.
 */
export function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(() => process.nextTick(resolve)))
}
