import type { Rule } from './rules.ts'

/** Sections 1 to 3: tokens, stamps, maps that differ. */
export const rulesOfStamps: readonly Rule[] = [
  {
    section: '1',
    says: '⚑ Tokens, epochs and nonces come from the caller, fresh for each sending.',
    mutants: ['Redis: a script draws its own randomness', 'Redis: a token is sent again'],
  },
  {
    section: '2',
    says: 'A change rotates the stamp of the longest leading run of captures that the row binds.',
    mutants: ['captures bind over one that is open'],
  },
  {
    section: '2',
    says: '⚑ Only strings, safe integers, bigints and booleans bind by themselves, spelled as keys spell them.',
    mutants: ['a decimal that a database returns as text binds', 'a time binds as text'],
  },
  {
    section: '2',
    says: '⚑ An update given only its new rows does not bind captures that may have changed.',
    mutants: ['new rows of an update bind whatever they name'],
  },
  {
    section: '2',
    says: 'Missing is a miss, never a token.',
    mutants: ['Redis: a missing stamp counts as a token'],
  },
  {
    section: '2',
    says: 'To rotate is to unlink.',
    mutants: ['rotating leaves the token', 'Redis: rotating leaves the token'],
  },
  {
    section: '2',
    says: '⚑ … except where soft locks of others are on the stamp: its token is replaced and they stay.',
    mutants: [
      'unlocking takes the locks of others off',
      'rotating takes the locks of others off',
      'Redis: rotating takes the locks of others off',
      'Redis: rotating leaves the token under the locks of others',
    ],
  },
  {
    section: '2',
    says: '⚑ A rotation always advances the sequence and publishes, whether or not the stamp existed.',
    mutants: ['a stamp that is missing is not published', 'Redis: what was not there is not published'],
  },
  {
    section: '2',
    says: 'A fill extends the expiry of its stamps past the value’s own, and never shortens it.',
    mutants: [
      'Redis: a fill does not keep its stamps alive',
      'Redis: a shorter fill shortens the life of its stamps',
    ],
  },
  {
    section: '2',
    says: '⚑ A locked stamp has no expiry, and no fill gives it one.',
    mutants: ['Redis: a locked stamp expires'],
    because: 'A fill cannot: under a lock it is refused before it comes to expiries.',
  },
  {
    section: '2',
    says: 'A value is valid under current tokens, none of them locked, of the current epoch and registration.',
    mutants: [
      'a value needs no current vector',
      'a read does not see locks',
      'neither a read nor a fill sees locks',
      'a restart keeps its epoch',
      'a value does not name the registration of its filler',
      'what is kept is kept under the plan of before',
      'Redis: reads do not see locks',
    ],
  },
  {
    section: '2',
    says: '⚑ Patterns that the map does not know: two complete passes, claims and then values, the message last.',
    mutants: [
      'an ad-hoc pattern blocks nothing',
      'an ad-hoc pattern is not heard',
      'a sweep leaves what it should find',
      'a pattern that another map has not is not swept for',
      'Redis: values are swept before claims',
      'Redis: a sweep spares claims',
      'Redis: a sweep is told before it is done',
      'Redis: a sweep looks at one page of keys',
    ],
  },
  {
    section: '3',
    says: '⚑ A registration is a stamp: one that lapsed and returns has a new token, and voids what was filled before.',
    mutants: [
      'a registration that came back is overlooked',
      'a registration that has lapsed comes back as it was',
      'a value does not name the registration of its filler',
      'Redis: a registration that has lapsed comes back as it was',
    ],
  },
  {
    section: '3',
    says: 'A writer rotates and locks the patterns of every live map; of one it cannot load, the registration.',
    mutants: [
      'a rotation meets no other maps',
      'other maps are believed to be rotated for by others',
      'a lock meets no other maps',
      'a pattern is locked for the own map alone',
      'a map that cannot be loaded is passed over',
      'Redis: rotations tell of no maps',
    ],
  },
  {
    section: '3',
    says: '⚑ A capture with a bind function of its own counts as unbound for writers with other maps.',
    mutants: ['a capture with a bind function of its own binds for others'],
  },
  {
    section: '3',
    says: '⚑ A change for which the writer’s own map has no stamps still asks who else is there.',
    mutants: ['a writer whose own map has nothing to rotate asks nobody'],
  },
  {
    section: '3',
    says: '⚑ Where soft locks are in use, a new registration fills nothing for one soft-lock lifetime.',
    mutants: ['no quarantine for a new map', 'Redis: no quarantine for a new map'],
  },
  {
    section: '3',
    says: 'The replay queue carries changes, not stamps, until the registry was consulted.',
    mutants: ['the queue forgets tables'],
  },
  {
    section: '3',
    says: '⚑ What all processes must agree on is kept in the record; one that differs refuses to start.',
    mutants: ['settings that differ are not refused', 'Redis: settings that differ are not refused'],
  },
]
