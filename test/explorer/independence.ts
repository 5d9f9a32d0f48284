import type { Fault } from './faults.ts'
import type { Option } from './options.ts'
import type { Step } from './steps.ts'

/** Tells an option apart from all others of the same moment, and is the same at a later one. */
export function nameOf(option: Option): number | string {
  return 'id' in option ? option.id : option.kind
}

/**
 * Whether two things that could happen lead to the same in either order: they touch different places, and no promise
 * depends on which of them came first. Two troubles never are, since each takes from what trouble is left.
 */
export function independent(one: Option, other: Option): boolean {
  if (isStep(one)) return isStep(other) ? apart(one, other) : spares(other, one)
  return isStep(other) && spares(one, other)
}

function isStep(option: Option): option is Step {
  return 'chain' in option
}

function apart(one: Step, other: Step): boolean {
  if (placeOf(one) === placeOf(other)) return false
  return !(begins(one) && ends(other)) && !(begins(other) && ends(one))
}

/** What a step touches: the store, the database, or one process. */
function placeOf({ kind, process }: Step): string {
  return kind === 'ask' || kind === 'database' ? kind : process
}

/** Whether a read may begin with it. Only so in the small scenarios: inside a unit one begins with any reply. */
function begins({ kind }: Step): boolean {
  return kind === 'act'
}

/** Whether a write may be committed, acknowledged or replayed with it: by an answer, by who has heard, by a timer. */
function ends({ kind, outlives }: Step): boolean {
  return kind === 'reply' || kind === 'message' || kind === 'timer' || (kind === 'database' && outlives)
}

/** Whether trouble leaves a step as it is, and the step the trouble. */
function spares(trouble: Exclude<Option, Step>, step: Step): boolean {
  if (trouble.kind === 'time') return false
  const { kind, process } = trouble as Fault
  switch (kind) {
    case 'evict':
    case 'flush':
      return step.kind !== 'ask'
    case 'failover':
      return step.kind !== 'ask' && step.kind !== 'database'
    case 'lose':
      return placeOf(step) !== process
    case 'break':
    case 'disconnect':
      return step.kind !== 'ask' && step.process !== process
    case 'crash':
      return step.kind !== 'ask' && step.kind !== 'database' && step.process !== process
    default:
      return false
  }
}
