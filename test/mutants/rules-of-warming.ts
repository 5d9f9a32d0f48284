import type { Rule } from './rules.ts'

/** Leadership among the processes that warm on schedules. No guarantee hangs on it: keys may be loaded twice without it. */
export const rulesOfWarming: readonly Rule[] = [
  {
    section: 'warming',
    says: 'One process leads; another takes over when its term has ended or was given up.',
    mutants: ['Redis: a lead that another has is taken'],
  },
  {
    section: 'warming',
    says: 'Each term has a greater fence than any before it, also across a loss of data.',
    mutants: ['Redis: a new term has the fence of the last', 'Redis: fences begin again with the data'],
  },
  {
    section: 'warming',
    says: 'A term ends in its process before it ends in the store: it counts from the sending, on the monotonic clock.',
    mutants: ['a term counts from the answer', 'a term has no end but the store’s word'],
  },
  {
    section: 'warming',
    says: 'The end of a term stops its runs.',
    mutants: ['a run outlives its term'],
  },
  {
    section: 'warming',
    says: 'What a leader writes when its term is over is refused by the store.',
    mutants: [
      'Redis: anybody writes what only a leader may',
      'Redis: a term that has ended still writes',
      'Redis: a term writes for a later one of its holder',
      'the book lets a former leader write',
      'a run is put on record without its term',
    ],
  },
]
