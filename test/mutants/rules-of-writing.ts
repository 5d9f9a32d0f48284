import type { Rule } from './rules.ts'

/** Sections 7 to 9: epochs, commits, tokens and layout. */
export const rulesOfWriting: readonly Rule[] = [
  {
    section: '7',
    says: '⚑ The epoch follows master_replid: another one means a new epoch, and all from before is void.',
    mutants: [
      'a restart keeps its epoch',
      'Redis: the epoch outlives its data',
      'a swept key comes back with a failover',
    ],
  },
  {
    section: '7',
    says: '⚑ For one soft-lock lifetime after it every process loads from the primary and fills nothing.',
    mutants: ['no quarantine after a restart', 'Redis: no quarantine after a restart'],
  },
  {
    section: '7',
    says: '⚑ Changes of the last failoverWindow are told again at the first sight of a new epoch, before it is trusted.',
    mutants: [
      'a change of the last while is not told again',
      'a store in a new epoch is believed before it has been told',
      'a change under way is not among those of the last while',
      'who waits for the telling waits for ever',
    ],
  },
  {
    section: '8',
    says: 'A unit that has begun when its cache is closed is waited for, and its body stays in its transaction.',
    mutants: ['a cache is closed under its units', 'a cache that closes leaves its units'],
  },
  {
    section: '8',
    says: "A unit's receipt covers all that it made void, what was invalidated inside it after prepare included.",
    mutants: ['a receipt leaves out what was invalidated late'],
  },
  {
    section: '8',
    says: 'committed: lock every stamp to be rotated, and rotate; COMMIT; rotate and unlock.',
    mutants: [
      'a unit takes no lock',
      'an ad-hoc pattern in a unit locks nothing',
      'a unit that is prepared blocks nothing in its own process',
      'Redis: a lock leaves the token',
    ],
    because:
      'In the explorer that a lock rotates is not missed: nothing is filled under it, and its end rotates.',
  },
  {
    section: '8',
    says: 'A crash anywhere leaves a lock that expires into a rotation.',
    mutants: [
      'a lock neither rotates nor, when it expires, voids',
      'Redis: a lock that expires leaves its token',
    ],
  },
  {
    section: '8',
    says: 'A lock is renewed until the outcome of COMMIT is known, and keeps its token then.',
    mutants: ['a lock is not renewed', 'Redis: a renewed lock rotates'],
  },
  {
    section: '8',
    says: '⚑ COMMIT is sent only if the last lock or renewal was sent less than half a lifetime ago.',
    mutants: ['a lock taken long ago is good for a COMMIT', 'a lock counts from its answer'],
  },
  {
    section: '8',
    says: 'Writes after prepare() are refused; savepoints merge or are dropped.',
    mutants: ['writes after prepare are taken', 'a savepoint that is rolled back keeps its writes'],
  },
  {
    section: '8',
    says: '⚑ committed and strict need a Redis that cannot evict a locked stamp.',
    mutants: ['Redis: a server that may evict a lock is good enough', 'Redis: a locked stamp expires'],
  },
  {
    section: '8',
    says: '⚑ strict: locks, rotations, fills and clears wait for each lease holder younger than T, or T + 2 %.',
    mutants: [
      'nobody is waited for',
      'a silent lease holder is waited for half its lease',
      'a lease holder counts for half its lease',
      'lease holders that a restart has forgotten are not waited for',
      'a lock is not waited for',
      'Redis: a lock whose last part is not new asks nobody whether the parts before it were heard',
      'a rotation is not waited for',
      'a sweep is not waited for',
      'who has heard of a rotation is taken to have heard of the sweep after it',
      'a reload is not waited for',
    ],
  },
  {
    section: '8',
    says: 'Store away: a change is queued, coalesced, never dropped, and replayed before the store is trusted.',
    mutants: [
      'a failed rotation is not queued',
      'a replay that fails is forgotten',
      'the queue forgets stamps',
      'the queue forgets keys',
      'the queue drops what is too long',
      'what is queued is not replayed before the store is trusted',
      'a store that is away is asked all the same',
    ],
    because:
      'That the gate flushes when the store fails is not missed: own changes are touched by their own rotation, those of others are bounded by the lease. That a rotation that fails closes the gate itself is needed where the store went away and came back while it was under way; no schedule has shown that yet.',
  },
  {
    section: '8',
    says: 'Store away: transactions of committed and strict abort unless told otherwise.',
    mutants: ['a unit that could not lock commits'],
  },
  {
    section: '8',
    says: 'A store that hangs delays a commit no longer than storeTimeout.',
    mutants: ['a store that hangs is waited for'],
  },
  {
    section: '9',
    says: 'What was rotated less than replicaLag ago is loaded from the primary, and so is what nobody can be certain of.',
    mutants: [
      'replicas: a load asks nobody from where it may read',
      'replicas: every load is from any, as schedules show it',
      'replicas: what has replaced a value is not noted',
      'replicas: a store that is away allows any',
      'replicas: a reload is from any',
      'replicas: what goes past the cache is from any',
      'replicas: a key has no stamp of its own',
      'replicas: with coherence off a key has no stamp of its own',
      'replicas: memory alone trusts what was before it',
      'replicas: after a failover the notes of the old primary are believed',
      'Redis: a rotation is not noted',
      'Redis: what has replaced a value is not noted',
      'Redis: a sweep is not noted',
      'Redis: notes are believed across epochs',
      'Redis: what a new map hangs on counts as never rotated',
      'Redis: notes that were lost count as none',
      'Redis: older notes that were lost count as none',
      'Redis: older notes are not looked at',
    ],
  },
  {
    section: '9',
    says: 'A replica that has reached the furthest place of all rotations of late will do; where one of them has none, not.',
    mutants: [
      'replicas: a token names no place',
      'replicas: a place in the log stands for none',
      'Redis: a place stands for a rotation without one',
      'Redis: the place told last stands for the furthest',
      'replicas: a replica is not asked how far it is',
      'replicas: a place is read that may be before the commit',
    ],
  },
  {
    section: '9',
    says: 'A read with a token proceeds where it has heard that far, else it asks; of a queued one it loads.',
    mutants: [
      'a token is not looked at',
      'a read with a token takes the word of a lease for it',
      'a token counts as reached in its epoch',
      'a token of a queued change is answered from the cache',
      'what is nested in a read with such a token is answered from the cache',
      'a session forgets what it gathered while the store answered',
      'an answer of one partition heals a session’s token for all',
    ],
  },
  {
    section: '9',
    says: '⚑ A stamp is rotated in every partition unless it is bound to one.',
    mutants: ['Redis: a group is void in its own partition alone'],
    because: 'No stamp is bound to one partition yet: each is rotated in all.',
  },
  {
    section: '10',
    says: 'Changes of the log are applied before it is told to forget them; where some are missing, everything is void.',
    mutants: [
      'cdc: the server may forget what the store has not been told',
      'cdc: a sign of life stands for what has not been applied',
      'cdc: a slot is named before everything has been made void',
      'cdc: a slot that has lost its place is gone on with',
      'cdc: the old row is not looked at',
    ],
  },
]
