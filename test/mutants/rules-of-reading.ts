import type { Rule } from './rules.ts'

/** Sections 4 to 6: reads and fills, keys, memory leases. */
export const rulesOfReading: readonly Rule[] = [
  {
    section: '4.1',
    says: 'Memory answers under a lease, a vector equal to the local table’s, and a lifetime.',
    mutants: [
      'a memory hit does not look at the lease',
      'a memory hit does not look at the vector',
      'memory answers under an ended generation',
    ],
  },
  {
    section: '4.2',
    says: 'A plain GET needs a lease, and is judged by the local table.',
    mutants: ['a plain GET needs no lease'],
    because:
      'That it is judged again when it arrives is not missed: its reader began before whatever came meanwhile, and memory looks for itself.',
  },
  {
    section: '4.3',
    says: '⚑ Only a full reply may teach a stamp or decide a committed read.',
    mutants: ['a plain GET decides a committed read', 'a committed read is answered from memory'],
    because: 'A plain GET has no tokens to teach.',
  },
  {
    section: '4.4',
    says: 'The vector is captured before the load; a fill needs its claim.',
    mutants: ['the vector is taken after the load', 'a fill needs no claim', 'Redis: a fill needs no claim'],
  },
  {
    section: '4.4',
    says: '⚑ A fill needs the whole vector current, epoch included, and unlocked. A refused fill fills no tier.',
    mutants: [
      'a fill needs no current vector, nor does memory',
      'neither a read nor a fill sees locks',
      'memory takes what the store has refused',
      'Redis: a fill needs no current vector',
      'Redis: a fill needs no current epoch',
    ],
    because:
      'In the explorer epoch and locks alone are not missed: a fingerprint holds the epoch, and a lock rotates, so that nobody would believe the value.',
  },
  {
    section: '4.5',
    says: '⚑ A read joins no load that an invalidation before it has voided; without a lease only one younger than T.',
    mutants: [
      'a read joins a load that was touched',
      'a read without lease joins a load of any age',
      'a strict read without lease joins a load',
      'a reload joins any load',
    ],
  },
  {
    section: '4.5',
    says: '⚑ A committed read joins a load only under a current vector with the load’s nonce in the claim.',
    mutants: ['a load is shared without its claim', 'a load is shared under another vector'],
  },
  {
    section: '4.5',
    says: '⚑ Under a soft lock or quarantine a read shares only a load that starts after it began.',
    mutants: [
      'a read joins a running load under a soft lock',
      'a load waits for its turn, unknown to whoever waits for it',
    ],
  },
  {
    section: '4.5',
    says: 'One load per key leads, and it alone fills.',
    mutants: [
      'a value that a reload has replaced comes back with a read from before',
      'a load waits for its turn though one that has its own waits for it',
      'an expired value in the store is loaded by everybody who finds it',
      'a refresh ahead loads what another process has already replaced',
      'a refresh ahead loads beside another process',
    ],
    because:
      'That memory asks who leads is not missed: what overtakes a flight is a reload or a fill by hand, and these revoke its reservation.',
  },
  {
    section: '4.6',
    says: '⚑ A get inside another loader is committed, and loads if its key lies in another partition.',
    mutants: [
      'a nested read is answered from memory',
      'a part in another partition is read through the cache',
      'what is nested in a read with such a token is answered from the cache',
    ],
  },
  {
    section: '4.7',
    says: '⚑ Shared loads run outside any unit; a read inside one fills nothing, and asks the cache only while nothing is written.',
    mutants: [
      'a shared load runs inside the unit of whoever began it',
      'a read inside a unit fills',
      'a unit that has written reads from the cache',
      'a mark is taken inside a unit',
    ],
  },
  {
    section: '4.8',
    says: 'staleIfError, soft timeouts and stale-while-revalidate never serve a void vector.',
    mutants: [
      'a value past its lifetime is answered though it is void',
      'what was touched during the load is answered as stale',
      'memory gives what is void as stale',
      'a process that loads for long stops listening',
    ],
  },
  {
    section: '4',
    says: '⚑ Messages, own rotations, flushes and disconnects remove stamps from the local table.',
    mutants: [
      'blocking does not touch',
      'unblocking does not touch',
      'a message ends no generation',
      'a flush ends no generation',
      'messages of others are taken for own echoes',
      'a lost subscription is overlooked',
    ],
  },
  {
    section: '4',
    says: '⚑ A fetched stamp that differs from the table’s removes the entry.',
    mutants: ['a token that contradicts what is known is taken in'],
  },
  {
    section: '4',
    says: '⚑ Filling memory needs a reservation made before the store was asked; any touch in between revokes it.',
    mutants: [
      'a touched fill counts as intact',
      'memory takes a revoked fill',
      'a flush revokes no fill',
      'a message revokes no fill by its stamps',
      'a message revokes no fill by its keys',
      'the log forgets what touched a fill that ends late',
      'a flush is forgotten by the log',
    ],
  },
  {
    section: '4',
    says: '⚑ While this process rotates a stamp, the stamp blocks memory hits and fills.',
    mutants: [
      'a blocked fill counts as intact',
      'stamps are not blocked',
      'keys are not blocked',
      'a rotation under way does not block',
    ],
  },
  {
    section: '5',
    says: '⚑ Naming a key unlinks value and claim, and publishes the key.',
    mutants: [
      'naming a key leaves its claim',
      'naming a key is not published',
      'a key that was named stays in memory',
      'Redis: naming a key leaves its claim',
    ],
  },
  {
    section: '5',
    says: '⚑ A unit that names keys locks their stamps, never their claims.',
    mutants: ['a unit that names a key does not lock it'],
    because: 'A lock names stamps alone: there is nothing in its request that could name a claim.',
  },
  {
    section: '5',
    says: 'mark takes the claim over, set is its fill; what set and reload replace is published.',
    mutants: [
      'a reload that is not kept leaves what it was to replace',
      'a reload that nobody has overtaken leaves what it was to replace',
      'a reload that was overtaken takes what came after it out of memory',
      'a reload of what cannot be read leaves what it was to replace',
      'a reload that a fill by hand overtakes voids what that is to fill',
      'a reload that keeps nothing leaves what it was to replace',
      'a reload inside a unit voids what it was to replace',
      'memory keeps what a reload has replaced',
      'what a reload replaces is not told',
      'a reload is not waited for',
      'Redis: what a reload replaces is not told',
    ],
    because:
      'That mark takes the claim over is not missed: without, its set is refused, and what is refused is not old.',
  },
  {
    section: '6',
    says: '⚑ Epoch and incarnation are one random id with the sequence; another id: flush.',
    mutants: [
      'another epoch in a message is overlooked',
      'a restart keeps its epoch',
      'Redis: the epoch outlives its data',
    ],
    because:
      'That a full reply of another epoch flushes is not missed: the next heartbeat finds it within the lease, and committed and strict do not rely on it.',
  },
  {
    section: '6',
    says: '⚑ A heartbeat writes, so that a replica refuses.',
    mutants: ['Redis: a replica answers'],
  },
  {
    section: '6',
    says: 'A lease counts from the sending, and is granted once all up to the reply was heard, or forgotten.',
    mutants: [
      'the lease counts from the answer',
      'the lease is granted before all has been heard',
      'a process that has not heard in time adopts nothing',
      'lost messages are adopted without a flush',
    ],
    because:
      'A heartbeat from before a disconnect may grant: the lease counts from its sending, so it ends within T.',
  },
  {
    section: '6',
    says: 'A gap, a backward step, a disconnect: flush. Without a lease memory is bypassed.',
    mutants: [
      'a gap is overlooked',
      'a lost subscription is overlooked',
      'a lease never ends',
      'a memory hit does not look at the lease',
    ],
    because:
      'Of what a disconnect does no part alone is missed: no lease outlasts T from its sending, and a new subscription flushes.',
  },
  {
    section: '6',
    says: 'An idle process sends nothing; a suspended machine forgets what it knew.',
    mutants: ['an idle process goes on asking', 'a machine that was suspended goes on as if nothing were'],
  },
  {
    section: '6',
    says: 'At maxmemory rotations and heartbeats still pass: unlink before anything that grows.',
    mutants: ['Redis: a rotation grows before it unlinks', 'Redis: a heartbeat grows before it unlinks'],
  },
]
