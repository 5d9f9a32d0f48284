import type { Clock } from './clock.ts'
import { CacheError, show } from './errors.ts'
import type { Cause } from './events.ts'
import type { LoadSource, LogPosition } from './load-source.ts'
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
  /** What this process's readers rely on; registered before its first claim. */
  readonly map: MapRegistration
  /** T, in milliseconds. */
  readonly maxStalenessMs: number
  /** How long a soft lock lives unless it is renewed, in milliseconds; 0 where the namespace uses none. */
  readonly lockMs: number
  /** For how long a replica of the database may lag, in milliseconds; 0 where loads know of none. */
  readonly replicaLagMs: number
  /** How long one command may take, in milliseconds. */
  readonly timeoutMs: number
  /** The settings that every process of the namespace must share, as text. */
  readonly settings: string
  readonly clock: Clock
  readonly randomness: Randomness
  readonly listener: StoreListener
}

/** A dependency map as it stands in the store, so that writers with other maps can rotate for it too. */
export interface MapRegistration {
  /** The digest of the skeleton; processes of one digest share one registration. */
  readonly digest: string
  /** The name of the stamp that stands for the registration; the first of every vector. */
  readonly stamp: StampName
  readonly skeleton: string
}

/** How long a map stays registered after the last sign of life of a process that has it: a day. */
export const REGISTRATION_MS = 86_400_000

/** How long a namespace's settings stay in force after the last sign of life of a process that has them. */
export const SETTINGS_MS = 60_000

/** Part of the settings of a namespace whose epoch outlives restarts and failovers with data. */
export const TRUSTS_RESTARTS = "onStoreRestart 'trust'"

/** The error of a process whose settings differ from those in force in its namespace. */
export function settingsMismatch(namespace: string, own: string, inForce: string): CacheError {
  return new CacheError(
    'SETTINGS_MISMATCH',
    `The namespace ${show(namespace)} is in use with ${inForce}; this cache has ${own}. Give every process of a namespace the same consistency, maxStaleness, softLockLifetime, replicaLag, onStoreRestart, partitionBy and partitions, or another namespace. Settings can change ${SETTINGS_MS / 1_000} s after the last process with the old ones has gone; until then this cache answers from its loaders.`,
  )
}

/** Where the invalidations of one partition stand. */
export interface Position {
  readonly partition: number
  /** Names the incarnation of the partition's state: another one means that everything known of it is void. */
  readonly epoch: string
  /** Counts invalidations within an epoch; a gap is a lost message. */
  readonly sequence: number
}

/** How a cache hears of what others did. Calls come in the order in which the store made the changes. */
export interface StoreListener {
  /** From now on every invalidation is heard; those before may have been missed. */
  subscribed(): void
  /** Invalidations may go unheard from now on. */
  unsubscribed(reason: string): void
  /** A connection for commands was lost and made anew: the server behind it may be another one. */
  reconnected(): void
  invalidated(message: InvalidationMessage): void
}

/** One invalidation, as published with it. */
export interface InvalidationMessage extends Position {
  readonly stamps: readonly StampName[]
  readonly keys: readonly string[]
  /** An ad-hoc pattern was invalidated: any key may be concerned. */
  readonly everyKey: boolean
  readonly cause: Cause | undefined
  /** Tells whoever made it that it has been applied here; undefined where nobody waits for that. */
  readonly acknowledge?: (() => void) | undefined
}

/** A key, and the text whose hash decides in which partition it lives: its tenant, or itself. */
export interface KeyPlace {
  readonly key: string
  readonly shard: string
}

/** One key of a full read. */
export interface ReadItem extends KeyPlace {
  readonly stamps: readonly StampName[]
  /** `fingerprintHead(stamps)`, where the caller has it already. */
  readonly head?: string | undefined
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
  /** Take it though a valid value is there, which comes with it; but not from another fill. @default false */
  readonly beside?: boolean | undefined
}

/** What a full read found for one key. */
export interface ReadResult {
  /** The stored value, judged valid by the store in the same step; undefined otherwise. */
  readonly value: Uint8Array | undefined
  /** There was a value, but not a valid one. */
  readonly voided: boolean
  /** What was there is nothing that a store of this version wrote: another format, or another's. */
  readonly strange?: boolean | undefined
  /** The current tokens, in the order asked; an empty text where there is none. All present once a claim is granted. */
  readonly tokens: readonly string[]
  /** The epoch of the key's partition; an empty text where that cannot be read at this moment. */
  readonly epoch: string
  /** Some stamp is under a soft lock, or cannot be read: load from the primary, fill nothing. */
  readonly locked: boolean
  readonly claim: 'granted' | 'held' | 'none'
  /** The nonce that holds the claim, if any. */
  readonly holder: string | undefined
  /**
   * From where a load may read: from any replica only where all that the key hangs on is known not to have been rotated
   * for `replicaLagMs`. `ANY_SOURCE` where that is 0.
   */
  readonly from: LoadSource
}

/** What a full read answers. Only such a reply may teach a stamp or decide a `committed` read. */
export interface ReadReply {
  readonly positions: readonly Position[]
  readonly results: readonly ReadResult[]
}

/** A loaded value on its way in. */
export interface FillRequest extends KeyPlace {
  readonly nonce: string
  readonly epoch: string
  readonly stamps: readonly StampName[]
  /** The tokens captured before the load. */
  readonly tokens: readonly string[]
  readonly value: Uint8Array
  readonly ttlMs: number
  /** How long it may be kept by being prolonged: its stamps must last for that. @default ttlMs */
  readonly prolongedMs?: number | undefined
  /**
   * It may replace a valid value that memories hold: tell them. Where replicas are in use the key's own stamp counts as
   * rotated, though it is not: what it was loaded from may be newer than they are.
   */
  readonly publish: boolean
  /** Whether to wait, then, until every process that may answer from memory has heard of it. */
  readonly heard?: boolean | undefined
}

/** What became of a fill. */
export interface FillReply {
  readonly stored: boolean
  /** Whether it was refused though nobody else has claimed the key: what is in its place may be valid still. */
  readonly unclaimed?: boolean | undefined
  /** As in {@link RotateReply}: a fill that replaces a valid value is an invalidation too. */
  readonly heard?: Promise<void> | undefined
}

/** What to make void, in one step. */
export interface RotateRequest {
  readonly stamps: readonly StampName[]
  readonly keys: readonly KeyPlace[]
  readonly cause: Cause
  /** Where in the database's log the change is committed; undefined where that is not known. */
  readonly position?: LogPosition | undefined
  /** A soft lock to take off these stamps in the same step. */
  readonly lock?: string | undefined
  /** Whether to wait until every process that may answer from memory has heard of it. */
  readonly heard?: boolean | undefined
}

/** Stamps that a transaction will rotate when it has committed. */
export interface LockRequest {
  readonly stamps: readonly StampName[]
  /** Names the lock; the same one renews it. */
  readonly lock: string
  readonly cause: Cause
  readonly heard?: boolean | undefined
}

/** What a soft lock answers. */
export interface LockReply extends RotateReply {
  /** How many stamps did not bear the lock before, and have been rotated with it. */
  readonly added: number
}

/** What a rotation answers. */
export interface RotateReply {
  readonly positions: readonly Position[]
  /** Digests of the maps registered now, where the store keeps any. */
  readonly maps: readonly string[]
  /**
   * Where it was asked for: resolves once every lease holder of the moment has acknowledged, or its lease has run out.
   * Never rejects.
   */
  readonly heard?: Promise<void> | undefined
}

/** What a sweep answers. */
export interface SweepReply extends RotateReply {
  /** It could not be certain to have seen every key, and has rotated the root besides. */
  readonly everything?: boolean | undefined
}

/** What a heartbeat answers. */
export interface HeartbeatReply {
  readonly positions: readonly Position[]
  /** The current token of this process's registration, per partition. */
  readonly registrations: readonly string[]
}

/** Asks for the lead of something in the fleet. */
export interface LeadRequest {
  /** What is led; it has records of its own. */
  readonly title: string
  /** A nonce of who asks, a fresh one for each candidacy: 16 characters. */
  readonly holder: string
  /** Who that is, for people. */
  readonly label: string
  /** For how long, in milliseconds; 0 gives it up. */
  readonly ttlMs: number
}

/** Who leads, and where the records stand. */
export interface LeadReply {
  /** Whether the asking holder leads now. */
  readonly held: boolean
  /**
   * The fencing token of the present or last term. It grows with each term, also across a store that lost its data, as
   * long as the store's clock does not go back.
   */
  readonly fence: number
  /** Counts changes of the records. */
  readonly revision: number
  /** The label of who leads; an empty text for nobody. */
  readonly leader: string
}

/** What is on record, by name. */
export interface LeadRecords {
  readonly revision: number
  readonly leader: string
  /** Undefined where nothing has changed since the revision asked for. */
  readonly entries: ReadonlyMap<string, string> | undefined
}

/** Records to write, all or none. */
export interface RecordRequest {
  readonly title: string
  /** Texts by name; an empty one removes the record. */
  readonly entries: ReadonlyMap<string, string>
  /** Only if this holder leads in this very term. Left out: whoever leads. */
  readonly term?: { readonly holder: string; readonly fence: number } | undefined
}

/** What became of records that were to be written. */
export interface RecordReply {
  readonly written: boolean
  readonly revision: number
}

/**
 * Leadership among the processes of a fleet, with records that outlive a term. Every method is one atomic step of the
 * store. What a leader that was paused writes when its term is over is refused.
 */
export interface Leads {
  /** Takes the lead where nobody has it, keeps it where this holder has it, or gives it up. */
  lead(request: LeadRequest): Promise<LeadReply>
  /** @param known a revision: entries are left out if nothing has changed since */
  records(title: string, known?: number): Promise<LeadRecords>
  record(request: RecordRequest): Promise<RecordReply>
}

/**
 * The shared tier, as coherence needs it: every method is one atomic step of the store. Rejections mean that the
 * step may or may not have happened.
 */
export interface Store {
  /** Connects, subscribes, and resolves when the store can be used. */
  open(): Promise<void>
  /** How many partitions there are. @default 1 */
  readonly partitions?: number | undefined
  /** The partition a key lives in. Partitions change their state independently of one another. */
  partition(place: KeyPlace): number
  /** Reads values alone, for a caller that can judge them itself. */
  values(keys: readonly KeyPlace[]): Promise<readonly (Uint8Array | undefined)[]>
  /** Reads values, stamps and claims in one step; judges; takes claims on misses. */
  read(items: readonly ReadItem[]): Promise<ReadReply>
  /** Stores a value if the claim is still this nonce's and every token is still current and unlocked. */
  fill(request: FillRequest): Promise<FillReply>
  /** Keeps a stored value, if it is still there, for that long from now. It may be another than the one that was read. */
  prolong(place: KeyPlace, ttlMs: number): Promise<void>
  /** Prolongs a claim. False: it is no longer this nonce's. */
  renew(place: KeyPlace, nonce: string, ttlMs: number): Promise<boolean>
  /** Gives a claim back, so that the next reader need not wait for its end. */
  release(place: KeyPlace, nonce: string): Promise<void>
  /** Makes stamps and keys void, advances the sequence, publishes. */
  rotate(request: RotateRequest): Promise<RotateReply>
  /**
   * Puts a soft lock on stamps and rotates them, publishing; or renews it where they bear it. While one is live, readers
   * load from the primary and nothing is filled; one that expires voids its stamp.
   */
  lock(request: LockRequest): Promise<LockReply>
  /**
   * Makes every key of an ad-hoc pattern void: all claims first, then all values, the message last. Before any of that
   * everything counts as rotated lately, since nobody can tell which keys would have matched.
   */
  sweep(patterns: readonly Pattern[], cause: Cause, heard?: boolean): Promise<SweepReply>
  /** Proves by a write that the store is the primary and hears this process; tells where every partition stands. */
  heartbeat(): Promise<HeartbeatReply>
  /** The skeleton of a registered map; undefined where it cannot be had. */
  skeleton(digest: string): Promise<string | undefined>
  /** Leadership among the processes that share it; undefined for a store that only one process has. */
  readonly leads?: Leads | undefined
  /** What of the promises cannot be kept as the store is set up, each with what to change. */
  inspect(): Promise<readonly string[]>
  /** Drops connections that may be dead, all or the one that hears, so that new ones are made. */
  reconnect(what?: 'subscription'): void
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
