import { type Codec, checkCodec, LIBRARY_CODEC } from '../core/codec.ts'
import { CacheError, show } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { checkExact, type Exactness, INTEGER_ARRAYS, type Kept, OTHER_ARRAYS } from './exact.ts'

/** What is used of the package `msgpackr`. */
export interface MsgpackrLike {
  readonly Packr: new (
    options: Record<string, unknown>,
  ) => {
    pack(value: unknown): Uint8Array
    unpack(bytes: Uint8Array): unknown
  }
}

/** How a codec made of somebody else's serializer differs from its usual form. */
export interface SerializerOptions {
  /**
   * Classes that the serializer has been taught to keep: their instances are handed to it as they are. Give such a codec
   * an id of its own.
   */
  readonly classes?: readonly Kept[] | undefined
  /** From 16 to 31, where processes that were not taught the same share the store. */
  readonly id?: number | undefined
}

/**
 * MessagePack by the package `msgpackr`: shorter than JSON, and faster to read for long lists of alike objects. It keeps Date, Map, Set,
 * bigints and binary data, and refuses what it would change: -0, text with half a surrogate pair, properties named
 * `__proto__`, objects without a prototype, instances of other classes.
 *
 * @param msgpackr the module
 * @throws CacheError `INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { createCache } from 'coherent-cache'
 * import { msgpackrCodec } from 'coherent-cache/codecs'
 * import * as msgpackr from 'msgpackr'
 *
 * const cache = createCache({ name: 'reports', codec: msgpackrCodec(msgpackr) })
 * ```
 */
export function msgpackrCodec(msgpackr: MsgpackrLike, options: SerializerOptions = {}): Codec {
  checkOptions(options, ['classes', 'id'], 'msgpackrCodec')
  if (typeof msgpackr?.Packr !== 'function') {
    throw new CacheError(
      'INVALID_OPTION',
      `msgpackrCodec: ${show(msgpackr)} is not msgpackr. Pass the module: import * as msgpackr from 'msgpackr'.`,
    )
  }
  const rules: Exactness = {
    codec: 'msgpackr',
    classes: [Date, Map, Set, ArrayBuffer, Buffer, ...INTEGER_ARRAYS, ...OTHER_ARRAYS],
    trusted: options.classes ?? [],
    invalidDates: true,
    lostNames: ['__proto__'],
  }
  // Records are told in each value: what is shared between values would have to be shared between processes.
  const packr = new msgpackr.Packr({ moreTypes: true, useBigIntExtension: true, copyBuffers: true })
  return checkCodec(
    Object.freeze({
      ...(options.id === undefined ? { [LIBRARY_CODEC]: true } : {}),
      id: options.id ?? 3,
      name: 'msgpackr',
      encode(value: unknown) {
        checkExact(value, rules)
        return packr.pack(value)
      },
      decode: (bytes: Uint8Array) => packr.unpack(bytes),
    }),
    'msgpackrCodec',
  )
}
