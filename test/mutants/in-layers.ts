import type { Mutant } from './mutant.ts'

const STATE = 'stores/memory-state.ts'
const STORE = 'stores/memory-session.ts'
const PLAIN = 'read/plain-reads.ts'

/** Guards that stand behind one another: one alone is not missed, so all of a kind are taken out together. */
export const inLayers: readonly Mutant[] = [
  {
    name: 'neither a read nor a fill sees locks',
    rule: '4.4 ⚑ current and unlocked; 2, none of its stamps is locked',
    mode: 'committed',
    shape: 'locks',
    edits: [
      {
        file: STORE,
        find: 'if (stamps.some((name) => namespace.locked(name)) || namespace.quarantined(map, lockMs)) {',
        replace: 'if (namespace.quarantined(map, lockMs)) {',
      },
      {
        file: STORE,
        find: 'namespace.token(name) === tokens[at] && !namespace.locked(name),',
        replace: 'namespace.token(name) === tokens[at],',
      },
    ],
  },
  {
    name: 'a lock neither rotates nor, when it expires, voids',
    rule: '8, lock and rotate; a lock that expires voids its stamp',
    mode: 'committed',
    shape: 'expiry',
    edits: [
      {
        file: STATE,
        find: 'mine ? { ...stamp, locks } : { token: this.#randomness.token(), created: now, locks },',
        replace: '{ token: stamp?.token ?? this.#randomness.token(), created: now, locks },',
      },
      {
        file: STORE,
        find: 'for (const name of expired) home.namespace.rotate(name, undefined)',
        replace: 'for (const name of expired) home.namespace.lapse(name)',
      },
      {
        file: STATE,
        find: '  create(name: StampName): string {',
        replace: `  lapse(name: StampName): void {
    const stamp = this.#stamps.get(name)
    if (stamp !== undefined) this.#stamps.set(name, { ...stamp, locks: new Map() })
  }

  create(name: StampName): string {`,
      },
    ],
  },
  {
    name: 'a plain GET needs no lease',
    rule: '4.2, store, cheap: under a lease',
    shape: 'store',
    edits: [
      {
        file: PLAIN,
        find: 'if (!shared || !plan.stored || !lease.held(clock.monotonic())) return undefined',
        replace: 'if (!shared || !plan.stored || clock.monotonic() < 0) return undefined',
      },
      {
        file: PLAIN,
        find: 'return term === lease.term && lease.held(clock.monotonic()) && this.#isLive(known)',
        replace: 'return term !== lease.term - 1 && clock.monotonic() > 0 && this.#isLive(known)',
      },
    ],
  },
  {
    name: 'a fill needs no current vector, nor does memory',
    rule: '4.4, the whole vector is current; a refused fill fills no tier',
    mode: 'bounded',
    edits: [
      {
        file: STORE,
        find: '(name, at) => namespace.token(name) === tokens[at] && !namespace.locked(name),',
        replace: '(name) => !namespace.locked(name),',
      },
      {
        file: 'coherence/stamp-table.ts',
        find: 'if (!this.intact(reservation)) return undefined',
        replace: '',
      },
    ],
  },
]

/** A guard that nothing within the promises can miss, since another stands before it. */
export interface Layered {
  readonly guard: string
  readonly because: string
}

/** Not among the mutants: what stands before each of them was taken out instead. */
export const layered: readonly Layered[] = [
  {
    guard: 'a full reply that names another epoch flushes (Subscription.observe)',
    because: 'the next heartbeat finds the epoch, within the lease; committed and strict do not rely on it',
  },
  {
    guard: 'a disconnect loses the lease, and a new subscription flushes',
    because:
      'no lease outlasts T from its sending, and the heartbeat adopts with a flush what it has not heard',
  },
  {
    guard: 'a heartbeat sent before a disconnect grants nothing (the lease’s term)',
    because: 'the lease it would grant counts from its sending, so it ends within T all the same',
  },
  {
    guard: 'the gate flushes when the store fails (onAway)',
    because:
      'what this process changed is touched by its own rotation, what others did is bounded by the lease',
  },
  {
    guard: 'a rotation that fails distrusts the store (Committer.rotate)',
    because: 'the gate has closed on the same error before',
  },
  {
    guard: 'a plain GET is judged again when it arrives (PlainReads.#stillCurrent)',
    because: 'its reader began before whatever came meanwhile; memory and those who join look for themselves',
  },
  {
    guard: 'a refused fill stays out of memory; a flight without lease, too (Keeper)',
    because: 'memory asks the reservation, which every touch and every subscription revokes',
  },
  {
    guard: 'a fill under another epoch, or under locks, is refused (fill)',
    because: 'a value’s fingerprint holds epoch and tokens, and a lock rotates: nobody would believe it',
  },
  {
    guard: 'a lock rotates; one that was found gone rotates again',
    because:
      'nothing is filled under it and its end rotates; what is lost with an epoch waits for the quarantine',
  },
  {
    guard: 'a mark takes the claim over',
    because: 'without, its set is refused, and what is refused cannot be old',
  },
]
