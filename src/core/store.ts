import type { Clock } from './clock.ts'
import type { Cause } from './events.ts'
import type { Pattern } from './pattern.ts'
import type { Randomness } from './random.ts'
import type { StampName } from './stamp.ts'

/** What a store is given when a cache opens it. */
export interface StoreSession {
  /** Values live under this name. */
  readonly name: string
  /** Stamps live under this one, shared by every cache that names it. */
  readonly namespace: string
  /** This process, or this cache in it, in messages and logs. */
  readonly process: string
  readonly clock: Clock
  readonly randomness: Randomness
  readonly listener: StoreListener
}

/** How a cache hears of what others did. Calls come in the order in which the store made the changes. */
export interface StoreListener {
  /** From now on every invalidation is heard; those before may have been missed. */
  subscribed(): void
  /** Invalidations may go unheard from now on. */
  unsubscribed(reason: string): void
  invalidated(message: InvalidationMessage): void
}

/** One invalidation, as published with it. */
export interface InvalidationMessage {
  /** Names the incarnation of the store's state: another one means that everything known of it is void. */
  readonly epoch: string
  /** Counts invalidations within an epoch; a gap is a lost message. */
  readonly sequence: number
  readonly stamps: readonly StampName[]
  readonly keys: readonly string[]
  /** An ad-hoc pattern was invalidated: any key may be concerned. */
  readonly everyKey: boolean
  readonly cause: Cause | undefined
}

/** One key of a full read. */
export interface ReadItem {
  readonly key: string
  readonly stamps: readonly StampName[]
  /** Set: on a miss take the fill claim under this nonce, and create missing stamps. */
  readonly claim?: ClaimRequest | undefined
}

/** A fill claim that a read asks for. */
export interface ClaimRequest {
  readonly nonce: string
  /** How long the claim stands if it is not renewed, in milliseconds. */
  readonly ttlMs: number
  /** Take it even where a valid value is there, or another fill holds it (whose fill is then refused). */
  readonly takeOver: boolean
}

/** What a full read found for one key. */
export interface ReadResult {
  /** The stored value, judged valid by the store in the same step; undefined otherwise. */
  readonly value: Uint8Array | undefined
  /** There was a value, but not a valid one. */
  readonly voided: boolean
  /** The current tokens, in the order asked; an empty text where there is none. All present once a claim is granted. */
  readonly tokens: readonly string[]
  /** Some stamp is under a soft lock: load from the primary, fill nothing. */
  readonly locked: boolean
  readonly claim: 'granted' | 'held' | 'none'
  /** The nonce that holds the claim, if any. */
  readonly holder: string | undefined
}

/** What a full read answers. Only such a reply may teach a stamp or decide a `committed` read. */
export interface ReadReply {
  readonly epoch: string
  readonly sequence: number
  readonly results: readonly ReadResult[]
}

/** A loaded value on its way in. */
export interface FillRequest {
  readonly key: string
  readonly nonce: string
  readonly epoch: string
  readonly stamps: readonly StampName[]
  /** The tokens captured before the load. */
  readonly tokens: readonly string[]
  readonly value: Uint8Array
  readonly ttlMs: number
  /** It may replace a valid value that memories hold: tell them. */
  readonly publish: boolean
}

/** What to make void, in one step. */
export interface RotateRequest {
  readonly stamps: readonly StampName[]
  readonly keys: readonly string[]
  readonly cause: Cause
}

/** Where the sequence stands after a rotation. */
export interface RotateReply {
  readonly epoch: string
  readonly sequence: number
}

/**
 * The shared tier, as coherence needs it: every method is one atomic step of the store. Rejections mean that the
 * step may or may not have happened.
 */
export interface Store {
  /** Connects, subscribes, and resolves when the store can be used. */
  open(): Promise<void>
  /** Reads values alone, for a caller that can judge them itself. */
  values(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>
  /** Reads values, stamps and claims in one step; judges; takes claims on misses. */
  read(items: readonly ReadItem[]): Promise<ReadReply>
  /** Stores a value if the claim is still this nonce's and every token is still current and unlocked. */
  fill(request: FillRequest): Promise<boolean>
  /** Prolongs a claim. False: it is no longer this nonce's. */
  renew(key: string, nonce: string, ttlMs: number): Promise<boolean>
  /** Gives a claim back, so that the next reader need not wait for its end. */
  release(key: string, nonce: string): Promise<void>
  /** Makes stamps and keys void, advances the sequence, publishes. */
  rotate(request: RotateRequest): Promise<RotateReply>
  /** Makes every key of an ad-hoc pattern void: all claims first, then all values, the message last. */
  sweep(patterns: readonly Pattern[], cause: Cause): Promise<RotateReply>
  /** Ends subscriptions and timers. Connections belong to whoever made them. */
  close(): Promise<void>
}

/** A kind of store, before a cache opens it. Made by `redisStore` and the like. */
export interface StoreDriver {
  readonly kind: string
  /** Whether values live in it. Without, the memory tier holds the only copy, and is as current as the store. */
  readonly holdsValues: boolean
  connect(session: StoreSession): Store
}
