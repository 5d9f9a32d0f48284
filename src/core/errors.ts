/** Everything that can go wrong, by its stable name. Messages may be reworded; codes are part of the API. */
export type ErrorCode =
  | 'INVALID_OPTION'
  | 'INVALID_ARGUMENT'
  | 'INVALID_DURATION'
  | 'INVALID_KEY'
  | 'INVALID_PARAMETER'
  | 'KEY_TOO_LONG'
  | 'UNKNOWN_FAMILY'
  | 'INVALID_PATTERN'
  | 'INVALID_MAP'
  | 'UNKNOWN_TABLE'
  | 'UNDECLARED_TABLE'
  | 'UNKNOWN_SCOPE'
  | 'UNKNOWN_VIEW'
  | 'CIRCULAR_VIEWS'
  | 'DUPLICATE_CACHE'
  | 'SETTINGS_MISMATCH'
  | 'UNSUPPORTED'
  | 'CACHE_CLOSED'
  | 'CIRCULAR_LOAD'
  | 'BATCH_SHAPE'
  | 'INVALID_MARK'
  | 'UNIT_CLOSED'
  | 'INSIDE_UNIT'
  | 'OUT_OF_SCOPE'
  | 'SEAL_FAILED'
  | 'JOURNAL_FAILED'
  | 'ABORTED'
  | 'TIMEOUT'
  | 'OVERLOADED'
  | 'STORE_UNAVAILABLE'
  | 'STORE_REPLY'
  | 'REPLICATION_MESSAGE'
  | 'INVALID_VALUE'

const BRAND = Symbol.for('coherent-cache.error')

/** What an error is about, besides its message. */
export interface ErrorDetails {
  /** The key concerned, where there is one. */
  readonly key?: string | undefined
  /** What caused it, as thrown. */
  readonly cause?: unknown
}

/**
 * The one error class of the library. The message says what was wrong and what to do about it.
 *
 * Recognise it with {@link isCacheError} rather than `instanceof`: a process may hold an ESM and a CJS copy
 * of this package, whose classes differ.
 */
export class CacheError extends Error {
  override readonly name = 'CacheError'
  readonly code: ErrorCode
  readonly key: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.key = details.key
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/**
 * Whether a thrown value is an error of this library, of any copy of it, and of the given code if one is named.
 *
 * @example
 * ```ts
 * import { createCache, isCacheError } from 'coherent-cache'
 *
 * try {
 *   createCache({ name: 'shop', maxStaleness: '-1s' })
 * } catch (error) {
 *   if (isCacheError(error, 'INVALID_DURATION')) console.error(error.message)
 * }
 * ```
 */
export function isCacheError(error: unknown, code?: ErrorCode): error is CacheError {
  if (typeof error !== 'object' || error === null || !(BRAND in error)) return false
  return code === undefined || (error as { code?: unknown }).code === code
}

/** The question behind a message about a name that is not known, where another one is close. */
export function question(near: string | undefined): string {
  return near === undefined ? '' : ` Did you mean ${show(near)}?`
}

const SHOWN = 80

/** A value as an error message shows it: short, quoted where it is text, never throwing. */
export function show(value: unknown): string {
  try {
    const text =
      typeof value === 'string'
        ? JSON.stringify(value)
        : typeof value === 'bigint'
          ? `${value}n`
          : typeof value === 'object' && value !== null
            ? (JSON.stringify(value) ?? Object.prototype.toString.call(value))
            : String(value)
    return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text
  } catch {
    return Object.prototype.toString.call(value)
  }
}
