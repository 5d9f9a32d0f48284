import type { Frame } from '../coherence/unit-context.ts'
import type { KeyPlan } from '../core/dependency-map.ts'
import { milliseconds } from '../core/duration.ts'
import { CacheError, show } from '../core/errors.ts'
import { lifetimePolicy, type Ttl } from '../core/lifetime.ts'
import type { Freshness, ReadOptions } from '../core/loader.ts'
import { checkChoice, checkOptions } from '../core/options.ts'
import type { Position } from '../core/store.ts'
import type { ReadToken } from '../core/token.ts'
import type { Rules } from '../lifetimes/rules.ts'
import { readToken, SessionToken } from './session-token.ts'

/** One read's wishes, checked and in milliseconds. */
export interface ReadWishes {
  readonly ttl: Ttl | undefined
  readonly freshness: Freshness
  readonly staleWhileRevalidateMs: number
  readonly staleIfErrorMs: number
  readonly softMs: number | undefined
  readonly hardMs: number | undefined
  readonly token: ReadToken | undefined
  /** Called with where the store stood, each time it has answered the read in full. */
  readonly answered: ((positions: readonly Position[]) => void) | undefined
  readonly signal: AbortSignal | undefined
}

/** What reads may do with values past their lifetime, where they do not say. */
type StaleRules = Pick<Rules, 'staleWhileRevalidateMs' | 'staleIfErrorMs' | 'softMs' | 'hardMs'>

const NO_RULES: StaleRules = Object.freeze({
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  softMs: undefined,
  hardMs: undefined,
})

/** How long past its lifetime a read may still use a value. */
export function graceOf(rules: Pick<StaleRules, 'staleIfErrorMs' | 'staleWhileRevalidateMs'>): number {
  return Math.max(rules.staleIfErrorMs, rules.staleWhileRevalidateMs)
}

/** One read of one key. */
export interface ReadRequest {
  readonly plan: KeyPlan
  readonly wishes: ReadWishes
  /** The unit or load it is made inside of. */
  readonly frame: Frame | undefined
}

const NO_OPTIONS: ReadOptions = Object.freeze({})

const OPTIONS = ['ttl', 'freshness', 'staleWhileRevalidate', 'staleIfError', 'timeout', 'token', 'signal']

/**
 * What a read wants: its own options, over what the rules of its family say.
 *
 * @throws CacheError `INVALID_OPTION` or `INVALID_DURATION`
 */
export function readWishes(given: ReadOptions | undefined, rules: StaleRules = NO_RULES): ReadWishes {
  const options = given === undefined ? NO_OPTIONS : given
  checkOptions(options, OPTIONS, 'get')
  checkOptions(options.timeout, ['soft', 'hard'], 'get: timeout')
  if (options.ttl !== undefined) lifetimePolicy(options.ttl, 'get: ttl')
  const { staleWhileRevalidate: swr, staleIfError: sie, timeout: { soft, hard } = {} } = options
  const token: unknown = options.token
  return {
    ttl: options.ttl,
    freshness: checkChoice(
      options.freshness ?? 'bounded',
      ['bounded', 'committed', 'reload'],
      'get: freshness',
    ),
    staleWhileRevalidateMs:
      swr === undefined ? rules.staleWhileRevalidateMs : milliseconds(swr, 'get: staleWhileRevalidate'),
    staleIfErrorMs: sie === undefined ? rules.staleIfErrorMs : milliseconds(sie, 'get: staleIfError'),
    softMs: soft === undefined ? rules.softMs : milliseconds(soft, 'get: timeout.soft'),
    hardMs: hard === undefined ? rules.hardMs : milliseconds(hard, 'get: timeout.hard'),
    token: token instanceof SessionToken ? token.token : readToken(token, 'INVALID_OPTION', 'get: token'),
    answered: token instanceof SessionToken ? token.answered : undefined,
    signal: options.signal,
  }
}

/** @throws CacheError `INVALID_ARGUMENT` unless it can be called. */
export function checkLoader(load: unknown, what: string): void {
  if (typeof load === 'function') return
  throw new CacheError(
    'INVALID_ARGUMENT',
    `${what}: ${isPromise(load) ? 'a promise' : show(load)} is no loader. Pass a function that loads the value, () => ….`,
  )
}

/** @throws CacheError `CIRCULAR_LOAD` where the key is already being loaded around this read. */
export function checkCircle(key: string, frame: Frame | undefined): void {
  const path = [key]
  for (let around = frame; around?.kind === 'load'; around = around.parent) {
    if (around.ended) continue
    if (!around.keys.includes(key)) {
      path.unshift(around.keys[0] ?? key)
      continue
    }
    path.unshift(key)
    throw new CacheError(
      'CIRCULAR_LOAD',
      `Loading ${show(key)} reads ${path.slice(1).map(show).join(' → ')}: it waits for itself. Load it without the cache there.`,
      { key },
    )
  }
}

function isPromise(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function'
}
