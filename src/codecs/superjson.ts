import { asBuffer } from '../core/bytes.ts'
import { type Codec, checkCodec, LIBRARY_CODEC } from '../core/codec.ts'
import { CacheError, show } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { checkExact, type Exactness, INTEGER_ARRAYS } from './exact.ts'
import type { SerializerOptions } from './msgpackr.ts'

/** What is used of the package `superjson`. */
export interface SuperjsonLike {
  stringify(value: unknown): string
  parse(text: string): unknown
}

/**
 * JSON by the package `superjson`, for values of classes that you have registered with it. It keeps Date, Map, Set, bigints
 * and arrays of small integers, and refuses what it would change: other binary data, invalid dates, properties named
 * `__proto__`, `constructor` or `prototype`, objects without a prototype, instances of classes not named here.
 *
 * @param superjson the package's default export, or an instance of it
 * @throws CacheError `INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { createCache } from 'coherent-cache'
 * import { superjsonCodec } from 'coherent-cache/codecs'
 * import superjson from 'superjson'
 *
 * class Money {
 *   constructor(
 *     readonly cents = 0,
 *     readonly currency = 'INR',
 *   ) {}
 * }
 * superjson.registerClass(Money)
 * const cache = createCache({ name: 'payroll', codec: superjsonCodec(superjson, { classes: [Money], id: 16 }) })
 * ```
 */
export function superjsonCodec(superjson: SuperjsonLike, options: SerializerOptions = {}): Codec {
  checkOptions(options, ['classes', 'id'], 'superjsonCodec')
  if (typeof superjson?.stringify !== 'function' || typeof superjson.parse !== 'function') {
    throw new CacheError(
      'INVALID_OPTION',
      `superjsonCodec: ${show(superjson)} is not superjson. Pass its default export: import superjson from 'superjson'.`,
    )
  }
  const rules: Exactness = {
    codec: 'superjson',
    classes: [Date, Map, Set, ...INTEGER_ARRAYS],
    trusted: options.classes ?? [],
    negativeZero: true,
    loneSurrogates: true,
    lostNames: ['__proto__', 'constructor', 'prototype'],
  }
  return checkCodec(
    Object.freeze({
      ...(options.id === undefined ? { [LIBRARY_CODEC]: true } : {}),
      id: options.id ?? 4,
      name: 'superjson',
      encode(value: unknown) {
        checkExact(value, rules)
        return Buffer.from(superjson.stringify(value))
      },
      decode: (bytes: Uint8Array) => superjson.parse(asBuffer(bytes).toString()),
    }),
    'superjsonCodec',
  )
}
