import assert from 'node:assert/strict'
import { systemClock } from '../../core/clock.ts'
import { encodeEntry, fingerprint, fingerprintHead } from '../../core/entry.ts'
import type { Cause } from '../../core/events.ts'
import { systemRandomness } from '../../core/random.ts'
import { ROOT, registrationStamp, type StampName } from '../../core/stamp.ts'
import type {
  InvalidationMessage,
  KeyPlace,
  Position,
  ReadResult,
  RotateReply,
  Store,
  StoreListener,
} from '../../core/store.ts'
import type { StoreUnderTest } from './store-under-test.ts'

/** Plays one case against the bench it is given. */
export type Play = (bench: Bench) => Promise<void>

const randomness = systemRandomness()
/** How long a store may take to bring a message. */
const PATIENCE_MS = 5_000

/** Options of {@link Bench.join}. */
export interface Joining {
  readonly name?: string
  readonly namespace?: string
  /** Tells maps apart: processes of one digest share a registration. */
  readonly map?: string
  /** How long soft locks lie, in milliseconds. @default 0: none are in use */
  readonly lockMs?: number
  /** How far replicas may lag, in milliseconds. @default 0: there are none */
  readonly replicaLagMs?: number
}

/** One cache's side of a store, as a case plays it: a process of the fleet. */
export class Process implements StoreListener {
  readonly heard: InvalidationMessage[] = []
  readonly label: string
  readonly registration: StampName
  subscriptions = 0
  store!: Store

  constructor(label: string, digest: string) {
    this.label = label
    this.registration = registrationStamp(digest)
  }

  subscribed(): void {
    this.subscriptions++
  }

  unsubscribed(): void {}
  reconnected(): void {}

  invalidated(message: InvalidationMessage): void {
    this.heard.push(message)
  }

  /** A vector over these stamps, as readers ask for it: the registration first, then the root. */
  vector(...stamps: readonly StampName[]): readonly StampName[] {
    return [this.registration, ROOT, ...stamps]
  }

  /** Reads one key; with a nonce it claims. */
  async read(
    key: string,
    nonce?: string,
    options: {
      readonly stamps?: readonly StampName[]
      readonly takeOver?: boolean
      readonly beside?: boolean
      readonly ttlMs?: number
    } = {},
  ): Promise<ReadResult> {
    const { stamps = [], takeOver = false, beside = false, ttlMs = 60_000 } = options
    const claim = nonce === undefined ? undefined : { nonce, ttlMs, takeOver, beside }
    const { results } = await this.store.read([{ ...place(key), stamps: this.vector(...stamps), claim }])
    assert.equal(results.length, 1)
    return results[0] as ReadResult
  }

  /** Fills under what a read has found, as its loader would. @returns whether it was stored */
  async fill(
    key: string,
    nonce: string,
    { tokens, epoch }: Pick<ReadResult, 'tokens' | 'epoch'>,
    options: {
      readonly stamps?: readonly StampName[]
      readonly payload?: Uint8Array | string
      readonly ttlMs?: number
      readonly publish?: boolean
      readonly prolongedMs?: number
    } = {},
  ): Promise<boolean> {
    const { stamps = [], payload = `value of ${key}`, ttlMs = 60_000, publish = false, prolongedMs } = options
    const vector = this.vector(...stamps)
    const value = entry(vector, epoch, tokens, payload)
    const times = { ttlMs, prolongedMs }
    const request = { ...place(key), nonce, epoch, stamps: vector, tokens, value, ...times, publish }
    return (await this.store.fill(request)).stored
  }

  /** Claims and fills. */
  async put(
    key: string,
    options: { readonly stamps?: readonly StampName[]; readonly payload?: Uint8Array | string } = {},
  ): Promise<void> {
    const nonce = randomness.token()
    const found = await this.read(key, nonce, { ...options, takeOver: true })
    assert.equal(found.claim, 'granted')
    assert.equal(await this.fill(key, nonce, found, options), true)
  }

  rotate(stamps: readonly StampName[], keys: readonly string[] = [], id?: string): Promise<RotateReply> {
    return this.store.rotate({ stamps, keys: keys.map(place), cause: this.cause(id) })
  }

  cause(id = randomness.token()): Cause {
    return { id, process: this.label, tables: ['orders'] }
  }

  /** Resolves once it has heard up to these positions. */
  async hears(positions: readonly Position[]): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    const missing = () =>
      positions.filter(
        ({ partition, epoch, sequence }) =>
          !this.heard.some(
            (one) => one.partition === partition && one.epoch === epoch && one.sequence >= sequence,
          ),
      )
    while (missing().length > 0) {
      if (performance.now() > deadline)
        assert.fail(`not heard within ${PATIENCE_MS} ms: ${JSON.stringify(missing())}`)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  /** What it heard, less the copies that a store of several partitions publishes in each. */
  heardOnce(): readonly InvalidationMessage[] {
    const seen = new Set<string>()
    return this.heard.filter(({ stamps, keys, everyKey, cause }) => {
      const content = JSON.stringify([stamps, keys, everyKey, cause])
      return !seen.has(content) && seen.add(content)
    })
  }
}

/** A store and a namespace of a case's own. */
export class Bench {
  readonly namespace = `test-${randomness.token()}`
  readonly name = 'shop'
  readonly #under: StoreUnderTest
  readonly #joined: Process[] = []

  constructor(under: StoreUnderTest) {
    this.#under = under
  }

  /** Opens one more process on the store. */
  async join({
    name = this.name,
    namespace = this.namespace,
    map = 'one',
    lockMs = 0,
    replicaLagMs = 0,
  }: Joining = {}): Promise<Process> {
    const digest = map.padEnd(16, '-')
    const process = new Process(`p${this.#joined.length + 1}`, digest)
    const session = {
      name,
      namespace,
      process: process.label,
      map: { digest, stamp: process.registration, skeleton: skeletonOf(map) },
      maxStalenessMs: 1_000,
      lockMs,
      replicaLagMs,
      settings: 'conformance',
      timeoutMs: PATIENCE_MS,
      clock: this.#under.clock ?? systemClock,
      randomness,
      listener: process,
    }
    process.store = this.#under.driver.connect(session)
    this.#joined.push(process)
    await process.store.open()
    return process
  }

  async pass(milliseconds: number): Promise<void> {
    await this.#under.pass(milliseconds, this.namespace)
  }

  async evict(stamp: StampName): Promise<void> {
    await this.#under.evict(this.namespace, stamp)
  }

  async lose(): Promise<void> {
    await this.#under.lose(this.namespace)
  }

  async close(): Promise<void> {
    await Promise.all(this.#joined.map(({ store }) => store.close()))
    await this.#under.lose(this.namespace)
  }
}

/** The text a map is registered with. */
export function skeletonOf(map: string): string {
  return JSON.stringify({ format: 1, tables: {}, map })
}

export function place(key: string): KeyPlace {
  return { key, shard: key }
}

/** A fresh nonce, the same length as every other. */
export function newNonce(): string {
  return randomness.token()
}

/** A stored value whose payload is this. */
export function entry(
  stamps: readonly StampName[],
  epoch: string,
  tokens: readonly string[],
  payload: Uint8Array | string,
): Uint8Array {
  return encodeEntry({
    fingerprint: fingerprint(fingerprintHead(stamps), epoch, tokens),
    loadedAt: Date.now(),
    lifetimeMs: 60_000,
    etag: 'conformance',
    version: 1,
    codec: 1,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
  })
}
