import type { Rule } from './rules.ts'

/** What a journal in the database keeps. */
export const rulesOfJournal: readonly Rule[] = [
  {
    section: 'journal',
    says: 'A record is settled once the store has carried out what it says, and not before.',
    because:
      'It takes a PostgreSQL, which mutants are not given: journal-seal and journal-relay in test/sources show it.',
  },
  {
    section: 'journal',
    says: 'It carries changes; whoever applies them binds by its own map, and never narrower than the rows are certain to be.',
    mutants: ['rows of some columns are handed to a bind function'],
  },
  {
    section: 'journal',
    says: 'Triggers leave a bound transaction alone only where its own record says it all.',
    because: 'It takes a PostgreSQL, which mutants are not given: journal-triggers in test/sources shows it.',
  },
]
