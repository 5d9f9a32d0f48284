import { rulesOfJournal } from './rules-of-journal.ts'
import { rulesOfReading } from './rules-of-reading.ts'
import { rulesOfStamps } from './rules-of-stamps.ts'
import { rulesOfTenancy } from './rules-of-tenancy.ts'
import { rulesOfWarming } from './rules-of-warming.ts'
import { rulesOfWriting } from './rules-of-writing.ts'

/** A rule of the consistency protocol, and what shows that it is needed. */
export interface Rule {
  readonly section: string
  /** A rule that prevents a bug that was found once begins with ⚑. */
  readonly says: string
  /** The mutants that take it out, by name. */
  readonly mutants?: readonly string[]
  /** Why (the rest of) it has none: another guard stands before it, or the code cannot do otherwise. */
  readonly because?: string
}

/** Every rule of sections 1 to 9, and those of leadership. `rules.test.ts` checks that each has a mutant or a reason, and each mutant a rule. */
export const rules: readonly Rule[] = [
  ...rulesOfStamps,
  ...rulesOfReading,
  ...rulesOfWriting,
  ...rulesOfWarming,
  ...rulesOfTenancy,
  ...rulesOfJournal,
]
