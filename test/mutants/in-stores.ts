import { type Mutant, mutant } from './mutant.ts'

const STATE = 'stores/memory-state.ts'
const STORE = 'stores/memory.ts'
const HEARD = 'stores/acknowledgements.ts'

/** The atomic steps of the store. */
export const inStores: readonly Mutant[] = [
  mutant(
    'a fill needs no claim',
    '4.4, stored if the claim still carries this fill’s nonce',
    STORE,
    'if (application.claim(key)?.nonce !== nonce || !current || epoch !== namespace.epoch)',
    'if (!current || epoch !== namespace.epoch)',
  ),
  mutant(
    'a fill needs no current vector',
    '4.4, stored if the whole vector is current',
    STORE,
    '(name, at) => namespace.token(name) === tokens[at] && !namespace.locked(name),',
    '(name) => !namespace.locked(name),',
  ),
  mutant(
    'a fill needs no current epoch',
    '4.4 ⚑ epoch included',
    STORE,
    'if (application.claim(key)?.nonce !== nonce || !current || epoch !== namespace.epoch)',
    'if (application.claim(key)?.nonce !== nonce || !current)',
  ),
  mutant(
    'a value needs no current vector',
    '2, a value is valid when the tokens are current',
    STORE,
    'return startsWith(stored, expected)',
    'return startsWith(stored, expected.slice(0, 21))',
  ),
  mutant(
    'rotating leaves the token',
    '2, to rotate is to unlink',
    STATE,
    'if (others.length === 0) this.#stamps.delete(name)',
    'if (others.length === 0) this.#stamps.set(name, { ...(this.#stamps.get(name) as HeldStamp), locks: new Map() })',
  ),
  mutant(
    'unlocking takes the locks of others off',
    '2 ⚑ the locks of others stay',
    STATE,
    '([id, deadline]) => id !== ownLock && deadline > now,',
    '([id, deadline]) => id !== ownLock && deadline > now && ownLock === undefined,',
    { mode: 'committed' },
  ),
  mutant(
    'rotating takes the locks of others off',
    '2 ⚑ the locks of others stay',
    STATE,
    '([id, deadline]) => id !== ownLock && deadline > now,',
    '([id, deadline]) => id !== ownLock && deadline > now && ownLock !== undefined,',
    { mode: 'committed' },
  ),
  mutant(
    'a lock does not rotate',
    '8, lock every stamp to be rotated, and rotate',
    STATE,
    'mine ? { ...stamp, locks } : { token: this.#randomness.token(), created: now, locks },',
    '{ token: stamp?.token ?? this.#randomness.token(), created: now, locks },',
    { mode: 'committed' },
  ),
  mutant(
    'a lock that was found gone is not rotated again',
    '8 ⚑ a renewal that finds its lock gone locks and rotates again',
    STATE,
    'const voided = stamp === undefined || live.length < stamp.locks.size',
    'const voided = stamp === undefined',
    { mode: 'committed' },
  ),
  mutant(
    'a read does not see locks',
    '2, a value is valid when none of its stamps is locked',
    STORE,
    'if (stamps.some((name) => namespace.locked(name)) || namespace.quarantined(map, lockMs)) {',
    'if (namespace.quarantined(map, lockMs)) {',
    { mode: 'committed' },
  ),
  mutant(
    'a fill does not see locks',
    '4.4 ⚑ current and unlocked',
    STORE,
    'namespace.token(name) === tokens[at] && !namespace.locked(name),',
    'namespace.token(name) === tokens[at],',
    { mode: 'committed' },
  ),
  {
    name: 'an expired lock voids nothing',
    rule: '8, a crash leaves a lock that expires into a rotation',
    mode: 'committed',
    edits: [
      {
        file: STORE,
        find: 'for (const name of expired) this.#namespace.rotate(name, undefined)',
        replace: 'for (const name of expired) this.#namespace.lapse(name)',
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
  mutant(
    'no quarantine after a restart',
    '7 ⚑ quarantine, anchored in the record',
    STATE,
    'const since = Math.max(this.#born, this.#stamps.get(stamp)?.created ?? 0)',
    'const since = this.#stamps.get(stamp)?.created ?? 0',
    { mode: 'committed' },
  ),
  mutant(
    'no quarantine for a new map',
    '3 ⚑ a new registration fills nothing for one soft-lock lifetime',
    STATE,
    'const since = Math.max(this.#born, this.#stamps.get(stamp)?.created ?? 0)',
    'const since = this.#born',
    { mode: 'committed' },
  ),
  mutant(
    'a restart keeps its epoch',
    '7, another replication id: new epoch',
    STATE,
    '    this.epoch = this.#randomness.token()\n',
    '    this.epoch ||= this.#randomness.token()\n',
  ),
  mutant(
    'a stamp that is missing is not published',
    '2 ⚑ advances the sequence and publishes, whether or not the stamp existed',
    STORE,
    '    return this.#step(() => {\n      for (const name of stamps) this.#namespace.rotate(name, lock)',
    "    return this.#step(() => {\n      if (keys.length === 0 && stamps.every((name) => this.#namespace.token(name) === '')) return this.#reply()\n      for (const name of stamps) this.#namespace.rotate(name, lock)",
  ),
  mutant(
    'naming a key leaves its claim',
    '5 ⚑ a bare unlink leaves running loads',
    STATE,
    '  forget(key: string): void {\n    this.#values.delete(key)\n    this.#claims.delete(key)',
    '  forget(key: string): void {\n    this.#values.delete(key)',
    { mode: 'bounded' },
  ),
  mutant(
    'naming a key is not published',
    '5, publishes the key',
    STORE,
    'return this.#publish({ stamps, keys: names, everyKey: false, cause }, heard)',
    'return this.#publish({ stamps, keys: [], everyKey: false, cause }, heard)',
  ),
  mutant(
    'a sweep leaves what it should find',
    '2, ad-hoc patterns: complete passes',
    STORE,
    'if (patterns.some((pattern) => pattern.test(key))) this.#application.forget(key)',
    '',
  ),
  mutant(
    'lease holders that a restart has forgotten are not waited for',
    '7 and 8, strict: never older after a restart',
    STATE,
    'return this.#born > since ? [...known, UNKNOWN_HOLDERS] : known',
    'return known',
    { mode: 'strict' },
  ),
  mutant(
    'nobody is waited for',
    '8, strict: each lease holder has acknowledged',
    HEARD,
    'const missing = new Set(holders.filter((holder) => !waiting?.acknowledged.has(holder)))',
    'const missing = new Set(holders.slice(0, 0))',
    { mode: 'strict' },
  ),
  mutant(
    'a silent lease holder is waited for half its lease',
    '8, strict: T + 2 % since the reply',
    HEARD,
    'this.#patienceMs = maxStalenessMs * 1.02',
    'this.#patienceMs = maxStalenessMs / 2',
    { mode: 'strict' },
  ),
  mutant(
    'a lease holder counts for half its lease',
    '8, strict: lease holders younger than T',
    STATE,
    'const since = this.#clock.monotonic() - maxStalenessMs',
    'const since = this.#clock.monotonic() - maxStalenessMs / 2',
    { mode: 'strict' },
  ),
]
