import { CacheError, show } from './errors.ts'

/** Whose value is encoded or decoded. */
export interface CodecContext {
  /** The cache's name. */
  readonly cache: string
  /** The key family's name; undefined for a raw string key. */
  readonly family: string | undefined
  /** The version of the family's shape. */
  readonly version: number
  readonly key: string
}

/**
 * Turns values into bytes for a store, and back. Only the store tier asks it: values in memory are the objects
 * themselves.
 *
 * What it gives back must equal what it was given; what it cannot keep exactly it must refuse by throwing, and the value
 * is then given to its readers and kept nowhere. Both directions may answer with a promise. `encode` must have read the
 * value before it first waits: its owner may change it afterwards.
 */
export interface Codec {
  /**
   * Names the format inside stored entries, 1 to 255: an entry of another format is a miss, so processes with other codecs
   * may run side by side. 16 to 31 are for codecs of your own; the rest is this library's.
   */
  readonly id: number
  readonly name: string
  /** @throws for a value that it could not give back exactly as it is. */
  encode(value: unknown, context: CodecContext): Uint8Array | Promise<Uint8Array>
  /** @throws for bytes that it did not make: they count as a miss, told by the event `unreadable`. */
  decode(bytes: Uint8Array, context: CodecContext): unknown
}

/** Marks the codecs of this library, whichever copy of it made them: their ids are not for others to take. */
export const LIBRARY_CODEC = Symbol.for('coherent-cache.codec')

/** @throws CacheError `INVALID_OPTION` unless it is a codec. */
export function checkCodec(codec: Codec, what: string): Codec {
  const given = (codec ?? {}) as Partial<Codec> & { readonly [LIBRARY_CODEC]?: true }
  const { id = 0, name, encode, decode } = given
  const made = typeof name === 'string' && typeof encode === 'function' && typeof decode === 'function'
  const [first, last] = given[LIBRARY_CODEC] === true ? [1, 255] : [16, 31]
  if (made && Number.isInteger(id) && id >= first && id <= last) return codec
  throw new CacheError(
    'INVALID_OPTION',
    `${what}: ${show(codec)} is no codec. Pass one of coherent-cache/codecs, or { id: 16 to 31, name, encode, decode }.`,
  )
}
