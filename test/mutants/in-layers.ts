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
        find: '} else if (leased && asked.term === lease.term && stamps.isLive(asked.known.vector)) {',
        replace: '} else if (stamps.isLive(asked.known.vector)) {',
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
