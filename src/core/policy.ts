import { type Duration, milliseconds } from './duration.ts'
import { CacheError, show } from './errors.ts'
import { type LifetimePolicy, lifetimePolicy, type Ttl } from './lifetime.ts'
import { checkCount, checkOptions } from './options.ts'

/** How long a read waits. */
export interface TimeoutOptions {
  /** After it, answer a value past its lifetime (never a void one) if there is one within its stale windows. @default none */
  readonly soft?: Duration | undefined
  /** After it, reject with `TIMEOUT`; the load goes on and fills. @default none */
  readonly hard?: Duration | undefined
}

/** When loads that fail are given a rest. It spares only reads that have a value past its lifetime to answer. */
export interface BreakerOptions {
  /** After so many failed loads of a family in a row, loads of all its keys rest. One key rests from its first. @default 5 */
  readonly failures?: number | undefined
  /** How long the first rest lasts; each that follows without a success in between lasts twice as long. @default '1s' */
  readonly pause?: Duration | undefined
  /** The longest rest. @default '30s' */
  readonly longest?: Duration | undefined
}

/**
 * How values live, and what a read may do with one past its lifetime. A read's own option stands over
 * `cache.setPolicy` for the family, which stands over the family's declaration, then `cache.setPolicy` for the whole
 * cache, then the cache's own. One that is `undefined` is not given.
 */
export interface PolicyOptions {
  /** How long values live. @default '5m' */
  readonly ttl?: Ttl | undefined
  /** How long `null` and `undefined` live. @default as any other value */
  readonly negativeTtl?: Ttl | undefined
  /**
   * How long memory may answer a value before the store is asked again; never beyond the value's own lifetime. Without
   * a store it limits the lifetime itself. @default as long as the value lives
   */
  readonly memoryTtl?: Duration | undefined
  /**
   * A sliding lifetime: ends a value that nobody has read for so long, however much of its `ttl` is left. Of a value in
   * the store only reads at least a quarter of it apart count. @default none
   */
  readonly idleTtl?: Duration | undefined
  /**
   * By what share of its length a lifetime may be cut, at random, so that what was filled together does not expire
   * together. From 0 to 1; never lengthens a lifetime. @default 0.1
   */
  readonly jitter?: number | undefined
  /**
   * How long past its lifetime a value may still be answered while it is loaded anew in the background. Never serves
   * what an invalidation made void. @default 0
   */
  readonly staleWhileRevalidate?: Duration | undefined
  /** How long past its lifetime a value may be answered when the loader fails. Never a void one. @default 0 */
  readonly staleIfError?: Duration | undefined
  /** @default none */
  readonly timeout?: TimeoutOptions | undefined
  /**
   * Gives a rest to loads that fail, where their readers have a value to answer within `staleIfError`; false loads at
   * every such read. @default five failures, from 1 s to 30 s
   */
  readonly breaker?: BreakerOptions | false | undefined
  /**
   * Has readers of a value that is about to end load it anew in the background, so that none of them has to wait: the
   * likelier, the nearer its end is and the longer its load takes. Who reads is never kept waiting, and what nobody
   * reads is not refreshed. @default false
   */
  readonly refreshAhead?: boolean | RefreshAheadOptions | undefined
}

/** Loading values anew before they end. */
export interface RefreshAheadOptions {
  /** More than 1 refreshes earlier, less than 1 later; from above 0 to 100. @default 1 */
  readonly beta?: number | undefined
}

/** {@link PolicyOptions}, checked and in milliseconds. What was not given is undefined. */
export interface Policy {
  readonly ttl: LifetimePolicy | undefined
  readonly negativeTtl: LifetimePolicy | undefined
  readonly memoryTtlMs: number | undefined
  readonly idleTtlMs: number | undefined
  readonly jitter: number | undefined
  readonly staleWhileRevalidateMs: number | undefined
  readonly staleIfErrorMs: number | undefined
  readonly softMs: number | undefined
  readonly hardMs: number | undefined
  readonly breaker: BreakerRule | false | undefined
  /** 0: values are not refreshed ahead of their end. */
  readonly aheadBeta: number | undefined
}

/** {@link BreakerOptions} with every default in place. */
export interface BreakerRule {
  readonly failures: number
  readonly pauseMs: number
  readonly longestMs: number
}

/** The names of {@link PolicyOptions}. */
export const POLICY_OPTIONS = [
  'ttl',
  'negativeTtl',
  'memoryTtl',
  'idleTtl',
  'jitter',
  'staleWhileRevalidate',
  'staleIfError',
  'timeout',
  'breaker',
  'refreshAhead',
] as const satisfies readonly (keyof PolicyOptions)[]

/** @throws CacheError `INVALID_OPTION` or `INVALID_DURATION`, each message beginning with `what` and the option. */
export function readPolicy(options: PolicyOptions, what: string): Policy {
  const { ttl, negativeTtl, jitter, timeout, breaker } = options
  checkOptions(timeout, ['soft', 'hard'], `${what}timeout`)
  return {
    ttl: ttl === undefined ? undefined : lifetimePolicy(ttl, `${what}ttl`),
    negativeTtl: negativeTtl === undefined ? undefined : lifetimePolicy(negativeTtl, `${what}negativeTtl`),
    memoryTtlMs: positive(options.memoryTtl, `${what}memoryTtl`),
    idleTtlMs: positive(options.idleTtl, `${what}idleTtl`),
    jitter: jitter === undefined ? undefined : share(jitter, `${what}jitter`),
    staleWhileRevalidateMs: given(options.staleWhileRevalidate, `${what}staleWhileRevalidate`),
    staleIfErrorMs: given(options.staleIfError, `${what}staleIfError`),
    softMs: given(timeout?.soft, `${what}timeout.soft`),
    hardMs: given(timeout?.hard, `${what}timeout.hard`),
    breaker: breaker === undefined || breaker === false ? breaker : readBreaker(breaker, `${what}breaker`),
    aheadBeta: readAhead(options.refreshAhead, `${what}refreshAhead`),
  }
}

function readAhead(ahead: PolicyOptions['refreshAhead'], what: string): number | undefined {
  if (ahead === undefined || typeof ahead === 'boolean')
    return ahead === undefined ? undefined : ahead ? 1 : 0
  checkOptions(ahead, ['beta'], what)
  const { beta = 1 } = ahead
  if (typeof beta === 'number' && beta > 0 && beta <= 100) return beta
  throw new CacheError(
    'INVALID_OPTION',
    `${what}.beta: ${show(beta)} is not a number above 0 and up to 100; 1 is usual.`,
  )
}

function readBreaker(breaker: BreakerOptions, what: string): BreakerRule {
  checkOptions(breaker ?? null, ['failures', 'pause', 'longest'], what)
  const { failures = 5, pause = '1s', longest = '30s' } = breaker
  const pauseMs = positive(pause, `${what}.pause`) as number
  return {
    failures: checkCount(failures, 1, `${what}.failures`),
    pauseMs,
    longestMs: Math.max(pauseMs, milliseconds(longest, `${what}.longest`)),
  }
}

function given(duration: Duration | undefined, what: string): number | undefined {
  return duration === undefined ? undefined : milliseconds(duration, what)
}

function positive(duration: Duration | undefined, what: string): number | undefined {
  const length = given(duration, what)
  if (length !== 0) return length
  throw new CacheError(
    'INVALID_DURATION',
    `${what}: 0 leaves nothing to answer. Leave it out, or use ttl: 0.`,
  )
}

function share(value: number, what: string): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value
  throw new CacheError('INVALID_OPTION', `${what}: ${show(value)} is not a share from 0 to 1, such as 0.1.`)
}
