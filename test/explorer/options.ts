import type { Fault, Faults } from './faults.ts'
import type { Step } from './steps.ts'

/** Nothing but time. */
export interface Passing {
  readonly kind: 'time'
  readonly text: string
  readonly run: () => void
}

/** What could happen next: a step, trouble, or nothing but time. */
export type Option = Step | Fault | Passing

/** All that could happen next, the steps first. What trouble there could be is found out only when somebody asks. */
export class Options {
  readonly steps: readonly (Step | Passing)[]
  /** The place of what would happen if nobody interfered: what happens now goes on. */
  readonly usual: number
  readonly #troubles: Faults
  #faults: readonly Fault[] | undefined

  constructor(steps: readonly (Step | Passing)[], usual: number, troubles: Faults) {
    this.steps = steps
    this.usual = usual
    this.#troubles = troubles
  }

  /** Whether there may be a choice. */
  get open(): boolean {
    return this.steps.length > 1 || this.troubled
  }

  /** Whether the scenario has trouble left. */
  get troubled(): boolean {
    return this.#troubles.any
  }

  get faults(): readonly Fault[] {
    this.#faults ??= this.troubled ? this.#troubles.possible() : []
    return this.#faults
  }

  get length(): number {
    return this.steps.length + this.faults.length
  }

  /** Undefined where there is none at this place. */
  at(place: number): Option | undefined {
    return this.steps[place] ?? this.faults[place - this.steps.length]
  }
}
