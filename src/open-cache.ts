import type { Inspection } from './coherence/inspection.ts'
import type { StoreGate } from './coherence/store-gate.ts'
import type { Cache, CloseReport, ScopedCache, ScopeOptions, Session } from './core/cache.ts'
import { type Change, type InvalidateRequests, NO_CHANGE, readRequest } from './core/change.ts'
import type { ChangeEvent, Consumed, Consumer } from './core/consumer.ts'
import { type Duration, milliseconds } from './core/duration.ts'
import type { Parameter } from './core/encoding.ts'
import { CacheError, show } from './core/errors.ts'
import { type CacheEvents, checkEvent, type EventName } from './core/events.ts'
import type { Explanation } from './core/explanation.ts'
import { EXTENSION, type Extension } from './core/extension.ts'
import type { Health, HealthPart } from './core/health.ts'
import { type Coherence, checkParameters, compiledFamily } from './core/key.ts'
import type { BatchLoader, Entry, Loader, Mark, ReadOptions, WrapConfig } from './core/loader.ts'
import { checkChoice, checkOptions } from './core/options.ts'
import { POLICY_OPTIONS, type PolicyOptions, readPolicy } from './core/policy.ts'
import type { Receipt } from './core/receipt.ts'
import type { CacheStats } from './core/stats.ts'
import type { UnitOfWork } from './core/unit.ts'
import { type BatchReader, readAsked } from './read/batch.ts'
import type { ManualFill } from './read/manual-fill.ts'
import type { Reader } from './read/reader.ts'
import type { ReadRoom } from './read/room.ts'
import { createSession } from './read/session.ts'
import { wrapRepository } from './read/wrap.ts'
import { EventConsumer } from './sources/event-consumer.ts'
import { ScopeContext } from './tenancy/scope-context.ts'
import { checked, keysAsked, scopedCache } from './tenancy/scoped-cache.ts'
import { type ScopeGround, TenantScope } from './tenancy/tenant-scope.ts'
import type { Committer } from './write/committer.ts'
import type { WriteRoom } from './write/room.ts'
import { Unit } from './write/unit-of-work.ts'

/** The rooms of one cache, put together. */
export interface CacheParts {
  readonly name: string
  readonly namespace: string
  readonly storeKind: string
  readonly gate: StoreGate | undefined
  readonly readRoom: ReadRoom
  readonly writeRoom: WriteRoom
  readonly reader: Reader
  readonly batches: BatchReader
  readonly fills: ManualFill
  readonly committer: Committer
  readonly inspection: Inspection
  readonly families: ReadonlySet<string>
  /** What scopes of tenants go by. */
  readonly ground: ScopeGround
  readonly explain: (key: string) => Promise<Explanation>
  readonly close: () => void
}

/** A cache as its users hold it: the doors to its rooms, and nothing else. What each promises stands at `Cache`. */
export class OpenCache {
  readonly name: string
  readonly namespace: string
  readonly #parts: CacheParts
  readonly #opened: Promise<void>
  #closing: Promise<CloseReport> | undefined
  #consumer: EventConsumer<ChangeEvent> | undefined
  /** Made when it is first used: one that is on makes every promise of the process dearer. */
  #ambient: ScopeContext | undefined
  #extension: Extension | undefined
  readonly #healthParts = new Map<string, () => HealthPart>()
  readonly #closers = new Set<() => unknown>()

  constructor(parts: CacheParts) {
    this.name = parts.name
    this.namespace = parts.namespace
    this.#parts = parts
    this.#opened = parts.readRoom.store.open()
    this.#opened.catch(() => {})
  }

  async ready(options?: { readonly timeout?: Duration }): Promise<void> {
    checkOptions(options, ['timeout'], 'ready')
    this.#checkOpen('ready')
    if (options?.timeout === undefined) return this.#opened
    const timeoutMs = milliseconds(options.timeout, 'ready: timeout')
    const { clock } = this.#parts.readRoom
    let cancel = () => {}
    const late = new Promise<never>((_, reject) => {
      // Some trouble is noticed only by whoever asks, so that is done in time for the answer.
      cancel = clock.after(
        timeoutMs / 2,
        () => {
          void this.#parts.gate?.look()
          cancel = clock.after(timeoutMs / 2, () => reject(this.#notReady(timeoutMs)), true)
        },
        true,
      )
    })
    return Promise.race([this.#opened, late]).finally(() => cancel())
  }

  #notReady(timeoutMs: number): CacheError {
    const cause = this.#parts.gate?.trouble
    const why = cause === undefined ? 'It has said nothing yet.' : sentence(cause)
    return new CacheError(
      'TIMEOUT',
      `ready: the store was not connected within ${timeoutMs} ms. ${why} The cache works meanwhile, from the loaders.`,
      { cause },
    )
  }

  get(key: string, load: Loader<unknown>, options?: ReadOptions): Promise<unknown> {
    const scope = this.#ambient?.current()
    if (scope !== undefined) return this.#getInScope(scope, key, load, options)
    return this.#parts.reader.get(key, load, options)
  }

  /** By itself: closures in `get` would cost every hit the object that holds what they close over. */
  #getInScope(
    scope: TenantScope,
    key: string,
    load: Loader<unknown>,
    options: ReadOptions | undefined,
  ): Promise<unknown> {
    return checked(
      () => scope.checkRead(key, 'get'),
      () => this.#parts.reader.get(key, load, options),
    )
  }

  async getEntry(key: string, load: Loader<unknown>, options?: ReadOptions): Promise<Entry<unknown>> {
    this.#ambient?.current()?.checkRead(key, 'getEntry')
    return this.#parts.reader.getEntry(key, load, options)
  }

  async getMany(first: unknown, second: unknown, third?: unknown, fourth?: unknown): Promise<unknown[]> {
    const scope = this.#ambient?.current()
    if (scope !== undefined) for (const key of keysAsked([first, second])) scope.checkRead(key, 'getMany')
    const byKey = Array.isArray(first)
    const [load, options] = byKey ? [second, third] : [third, fourth]
    return this.#parts.batches.getMany(
      readAsked(first, second),
      load as BatchLoader<unknown, unknown>,
      options as ReadOptions | undefined,
    )
  }

  peek(key: string): unknown {
    this.#ambient?.current()?.checkRead(key, 'peek')
    return this.#parts.reader.peek(key)
  }

  async mark(key: string): Promise<Mark> {
    this.#checkOpen('mark')
    this.#ambient?.current()?.checkRead(key, 'mark')
    return this.#parts.fills.mark(key)
  }

  async set(
    key: string,
    value: unknown,
    options: { readonly mark: Mark; readonly ttl?: ReadOptions['ttl'] },
  ): Promise<boolean> {
    this.#checkOpen('set')
    this.#ambient?.current()?.checkRead(key, 'set')
    return this.#parts.fills.set(key, value, options as Parameters<ManualFill['set']>[2])
  }

  wrap<R extends object>(repository: R, methods: WrapConfig<R>): R {
    return wrapRepository(this as unknown as Cache, repository, methods)
  }

  async invalidate(request: InvalidateRequests): Promise<Receipt> {
    this.#checkOpen('invalidate')
    return this.#apply(readRequest(request), 'invalidate')
  }

  async clear(): Promise<Receipt> {
    this.#checkOpen('clear')
    return this.#apply({ ...NO_CHANGE, everything: true }, 'clear')
  }

  #apply(asked: Change, what: string): Promise<Receipt> {
    return this.#parts.writeRoom.openUnits.during(() => this.#applyNow(asked, what))
  }

  async #applyNow(asked: Change, what: string): Promise<Receipt> {
    const change = this.#ambient?.current()?.confine(asked, what) ?? asked
    // What is refused for its rows must not be left to a unit, whose commit it would fail.
    if (change.tables.some(({ within }) => within !== undefined)) await this.#parts.committer.resolve(change)
    // Made inside a unit it holds at once and again at the commit, since others may refill in between.
    this.#atCommit(change)
    return this.#parts.committer.apply(change)
  }

  scope(tenant: Readonly<Record<string, Parameter>>, options?: ScopeOptions): ScopedCache {
    return scopedCache(new TenantScope(this.#parts.ground, tenant, options), {
      cache: this as unknown as Cache,
      apply: async (change) => {
        this.#checkOpen('invalidate')
        return this.#apply(change, 'invalidate')
      },
      wrap: wrapRepository,
      session: (reader, token) => createSession(reader, token, this.#partitions),
    })
  }

  runInScope<T>(tenant: Readonly<Record<string, Parameter>>, body: () => T, options?: ScopeOptions): T {
    const scope = new TenantScope(this.#parts.ground, tenant, options)
    this.#ambient ??= new ScopeContext(this)
    return this.#ambient.run(scope, body)
  }

  async consume(event: ChangeEvent): Promise<Consumed> {
    this.#checkOpen('consume')
    return this.consumer.consume(event)
  }

  get consumer(): Consumer {
    const { clock, randomness, events } = this.#parts.readRoom
    this.#consumer ??= new EventConsumer(
      { invalidate: (change) => this.invalidate(change), clock, randomness },
      { onParked: ({ id, error, attempts }) => events.emit('parked', { id, error, attempts }) },
    )
    return this.#consumer
  }

  /** Has the ambient unit, if any, apply a change once it has committed. */
  #atCommit(change: Change): void {
    const unit = this.currentUnit()
    if (unit instanceof Unit) unit.repeat(change)
  }

  unitOfWork(options: { readonly name?: string; readonly trace?: string } = {}): UnitOfWork {
    this.#checkOpen('unitOfWork')
    checkOptions(options, ['name', 'trace'], 'unitOfWork')
    return new Unit(this.#parts.writeRoom, this.#parts.committer, options)
  }

  currentUnit(): UnitOfWork | undefined {
    return this.#parts.writeRoom.units.unit()
  }

  session(token?: string | null): Session {
    return createSession(this as unknown as Cache, token, this.#partitions)
  }

  get #partitions(): number {
    return this.#parts.readRoom.store.partitions ?? 1
  }

  setCoherence(coherence: Coherence, family?: { readonly family: string }): void {
    checkChoice(coherence, ['on', 'off'], 'setCoherence')
    this.#checkFamily(family, 'setCoherence')
    const { readRoom } = this.#parts
    const { plans, memory, stamps } = readRoom
    const concerns = (key: string) => family === undefined || plans.of(key).family?.name === family.family
    memory?.deleteWhere(concerns)
    stamps.touchEveryKey()
    plans.set(coherence, family?.family)
  }

  setPolicy(policy: PolicyOptions, family?: { readonly family: string }): void {
    checkOptions(policy ?? null, POLICY_OPTIONS, 'setPolicy')
    this.#checkFamily(family, 'setPolicy')
    const compiled = readPolicy(policy, 'setPolicy: ')
    const template = compiledFamily(family)?.template
    if (template !== undefined) checkParameters(compiled, template, 'setPolicy')
    const { lifetimes, memory, plans, clock } = this.#parts.readRoom
    lifetimes.set(compiled, family?.family)
    // Under a lifetime of 0 nothing is read from a tier any more.
    if (compiled.ttl !== undefined) memory?.deleteWhere((key) => lifetimes.never(plans.of(key), clock.now()))
  }

  stats(): CacheStats {
    const { counters, memory, stamps, measured, limits } = this.#parts.readRoom
    const hits = counters.memoryHits + counters.storeHits + counters.staleHits
    const asked = hits + counters.misses
    return {
      hits: { memory: counters.memoryHits, store: counters.storeHits, stale: counters.staleHits },
      misses: counters.misses,
      bypasses: counters.bypasses,
      loads: counters.loads,
      loadsWaiting: limits.waiting,
      loadErrors: counters.loadErrors,
      hitRate: asked === 0 ? 0 : hits / asked,
      fills: counters.fills,
      fillsRefused: Object.fromEntries(counters.refused),
      invalidations: counters.invalidations,
      stampsRotated: counters.stampsRotated,
      keysInvalidated: counters.keysInvalidated,
      tablesProcessed: counters.tablesProcessed,
      tables: counters.tables(),
      evictions: memory?.evictions ?? 0,
      entries: memory?.entries ?? 0,
      bytes: measured ? memory?.bytes : undefined,
      stamps: stamps.size,
      loadMs: counters.loadTimes(),
    }
  }

  health(): Health {
    const { storeKind, gate, readRoom, writeRoom, inspection } = this.#parts
    const { lease, clock, memory, subscription, closed } = readRoom
    const status = gate?.status ?? 'none'
    return {
      status: closed() ? 'closed' : status === 'away' ? 'degraded' : 'ok',
      store: {
        kind: storeKind,
        status,
        since: gate?.since ?? 0,
        ...(status === 'away' ? whyAway(gate?.trouble, closed()) : {}),
      },
      subscription: readRoom.shared ? (subscription.isSubscribed ? 'subscribed' : 'unsubscribed') : 'none',
      memoryLease: memory === undefined ? 'off' : lease.held(clock.monotonic()) ? 'held' : 'lost',
      queue: { length: writeRoom.queue.length },
      warnings: inspection.warnings,
      parts: Object.fromEntries([...this.#healthParts].map(([name, look]) => [name, look()])),
    }
  }

  /** For what is built upon a cache; see `core/extension.ts`. */
  get [EXTENSION](): Extension {
    const { readRoom, writeRoom } = this.#parts
    const { clock, randomness, events, store } = readRoom
    this.#extension ??= {
      clock,
      randomness,
      process: writeRoom.process,
      leads: store.leads,
      quiet: new Map(),
      bound: new WeakMap(),
      emit: (name, event) => events.emit(name, event),
      addHealth: (name, look) => {
        this.#healthParts.set(name, look)
        return () => {
          if (this.#healthParts.get(name) === look) this.#healthParts.delete(name)
        }
      },
      onClose: (stop) => {
        this.#closers.add(stop)
        return () => void this.#closers.delete(stop)
      },
    }
    return this.#extension
  }

  async explain(key: string): Promise<Explanation> {
    this.#ambient?.current()?.checkRead(key, 'explain')
    return this.#parts.explain(key)
  }

  on<Name extends EventName>(name: Name, listener: (event: CacheEvents[Name]) => void): () => void {
    checkEvent(name, 'on')
    if (typeof listener !== 'function')
      throw new CacheError('INVALID_ARGUMENT', `on: ${show(listener)} is no listener; pass a function.`)
    return this.#parts.readRoom.events.on(name, listener)
  }

  async close(options?: { readonly timeout?: Duration }): Promise<CloseReport> {
    checkOptions(options, ['timeout'], 'close')
    this.#closing ??= this.#close(milliseconds(options?.timeout ?? '5s', 'close: timeout'))
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    const { readRoom, writeRoom, close } = this.#parts
    const { openUnits, queue } = writeRoom
    const { flights, store, subscription, memory, clock } = readRoom
    close()
    // From here on nothing is answered from memory, and nobody can end a fill by hand.
    subscription.distrust('closed')
    this.#parts.fills.abandonAll()
    let cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(timeoutMs, resolve, true)
    })
    const stopped = Promise.allSettled([...this.#closers].map(async (stop) => stop()))
    await Promise.race([Promise.all([stopped, flights.idle(), openUnits.idle()]), late])
    // A store that comes back in time is told what it has missed.
    if (queue.length > 0) await Promise.race([this.#parts.gate?.up(), late])
    cancel()
    subscription.unsubscribed('closed')
    await store.close()
    memory?.clear()
    readRoom.units.close()
    return { loads: flights.running, units: openUnits.count, queued: queue.length }
  }

  #checkFamily(family: { readonly family: string } | undefined, what: string): void {
    if (family === undefined || this.#parts.families.has(family.family)) return
    throw new CacheError('UNKNOWN_FAMILY', `${what}: ${show(family.family)} is no key family of this cache.`)
  }

  #checkOpen(what: string): void {
    if (!this.#parts.readRoom.closed()) return
    throw new CacheError(
      'CACHE_CLOSED',
      `${what}: the cache ${show(this.name)} is closed. Close it after the server and the workers that use it, and before the pool.`,
    )
  }
}

function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.endsWith('.') ? text : `${text}.`
}

function whyAway(trouble: unknown, closed: boolean): Pick<Health['store'], 'reason' | 'code'> {
  if (closed) return { reason: 'The cache is closed.' }
  if (trouble === undefined) return { reason: 'It has not been connected yet.' }
  const { code } = Object(trouble) as { code?: unknown }
  return { reason: sentence(trouble), ...(typeof code === 'string' ? { code } : {}) }
}
