import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { asBuffer } from '../core/bytes.ts'
import { type Codec, type CodecContext, LIBRARY_CODEC } from '../core/codec.ts'
import { CacheError, show } from '../core/errors.ts'
import { checkChoice, checkCount, checkOptions } from '../core/options.ts'
import { COMPRESSED, ENCRYPTED, wrappedId } from './wrapped-id.ts'

/** How values are compressed. */
export interface CompressionOptions {
  /** `'zstd'` needs Node.js 22.15 or later, in every process that reads. @default 'brotli' */
  readonly algorithm?: 'brotli' | 'deflate' | 'zstd' | undefined
  /** Encoded values shorter than this are kept as they are, in bytes. @default 1_024 */
  readonly threshold?: number | undefined
  /** The algorithm's own measure of effort: brotli 0 to 11, deflate 1 to 9, zstd 1 to 22. @default 4 for brotli, else 6 and 3 */
  readonly level?: number | undefined
  /** What claims to be longer than this once decompressed is not read, in bytes. @default 67_108_864, 64 MiB */
  readonly maxBytes?: number | undefined
}

type Sync = (bytes: Uint8Array, options: object) => Buffer
type Async = (bytes: Uint8Array, options: object) => Promise<Buffer>

/** One algorithm of `node:zlib`, on this thread and on others. */
interface Method {
  /** Its number in the payload. */
  readonly byte: number
  readonly compress: { readonly here: Sync; readonly elsewhere: Async }
  readonly decompress: { readonly here: Sync; readonly elsewhere: Async }
  readonly levels: readonly [lowest: number, usual: number, highest: number]
  options(level: number, length: number): object
}

const AS_IS = 0
/** Kept as it is: one byte. Compressed: the method, and the length before, four bytes. */
const HEAD = 5
const DEFAULT_THRESHOLD = 1_024
const DEFAULT_MOST = 64 * 1_048_576
/** From this length on the event loop does not wait. */
const ELSEWHERE = 131_072

/**
 * A codec whose values are compressed where that makes them shorter: those of at least `threshold` bytes. Long ones are
 * compressed and decompressed outside the event loop. Of another algorithm's values it reads all that this Node.js can.
 *
 * @throws CacheError `INVALID_OPTION`; `UNSUPPORTED` for an algorithm that this Node.js has not.
 *
 * @example
 * ```ts
 * import { createCache } from 'coherent-cache'
 * import { compressed, jsonCodec } from 'coherent-cache/codecs'
 *
 * const cache = createCache({ name: 'reports', codec: compressed(jsonCodec, { threshold: 2_048 }) })
 * ```
 */
export function compressed(codec: Codec, options: CompressionOptions = {}): Codec {
  checkOptions(options, ['algorithm', 'threshold', 'level', 'maxBytes'], 'compressed')
  const id = wrappedId(codec, COMPRESSED, COMPRESSED | ENCRYPTED, 'compressed')
  const algorithm = checkChoice(
    options.algorithm ?? 'brotli',
    ['brotli', 'deflate', 'zstd'],
    'compressed: algorithm',
  )
  const methods = methodsOf()
  const method = methods[algorithm]
  if (method === undefined) {
    throw new CacheError(
      'UNSUPPORTED',
      `compressed: this Node.js (${process.version}) has no ${algorithm}; use 'brotli', or Node.js 22.15 or later.`,
    )
  }
  const [lowest, usual, highest] = method.levels
  const level = checkCount(options.level ?? usual, lowest, 'compressed: level')
  if (level > highest) {
    throw new CacheError(
      'INVALID_OPTION',
      `compressed: level: ${level} is above ${highest}, the highest of ${algorithm}.`,
    )
  }
  const threshold = checkCount(options.threshold ?? DEFAULT_THRESHOLD, 0, 'compressed: threshold')
  const most = checkCount(options.maxBytes ?? DEFAULT_MOST, 1, 'compressed: maxBytes')

  const pack = (bytes: Uint8Array): Uint8Array | Promise<Uint8Array> => {
    if (bytes.length < threshold || bytes.length > most) return asIs(bytes)
    const settings = method.options(level, bytes.length)
    const shorter = (body: Buffer) =>
      body.length + HEAD <= bytes.length ? packed(method.byte, bytes.length, body) : asIs(bytes)
    if (bytes.length < ELSEWHERE) return shorter(method.compress.here(bytes, settings))
    return method.compress.elsewhere(bytes, settings).then(shorter)
  }
  const unpack = (bytes: Uint8Array): Uint8Array | Promise<Uint8Array> => {
    if (bytes[0] === AS_IS) return bytes.subarray(1)
    const used = Object.values(methods).find((one) => one?.byte === bytes[0])
    if (used === undefined || bytes.length < HEAD)
      throw unreadable(`compressed by a method that this process has not, ${show(bytes[0])}`)
    const length = asBuffer(bytes).readUInt32BE(1)
    if (length > most) throw unreadable(`${length} bytes once decompressed; at most ${most} are read`)
    const settings = { maxOutputLength: Math.max(1, length) }
    const whole = (body: Buffer) => {
      if (body.length !== length)
        throw unreadable(`${body.length} bytes once decompressed instead of ${length}`)
      return body
    }
    const body = bytes.subarray(HEAD)
    return length < ELSEWHERE
      ? whole(used.decompress.here(body, settings))
      : used.decompress.elsewhere(body, settings).then(whole)
  }
  return Object.freeze({
    [LIBRARY_CODEC]: true,
    id,
    name: `${codec.name}+${algorithm}`,
    encode(value: unknown, context: CodecContext) {
      const bytes = codec.encode(value, context)
      return bytes instanceof Promise ? bytes.then(pack) : pack(bytes)
    },
    decode(bytes: Uint8Array, context: CodecContext) {
      const body = unpack(bytes)
      return body instanceof Promise
        ? body.then((whole) => codec.decode(whole, context))
        : codec.decode(body, context)
    },
  })
}

function asIs(bytes: Uint8Array): Uint8Array {
  const whole = Buffer.allocUnsafe(1 + bytes.length)
  whole[0] = AS_IS
  whole.set(bytes, 1)
  return whole
}

function packed(method: number, length: number, body: Buffer): Uint8Array {
  const whole = Buffer.allocUnsafe(HEAD + body.length)
  whole[0] = method
  whole.writeUInt32BE(length, 1)
  whole.set(body, HEAD)
  return whole
}

function methodsOf(): { readonly [Name in 'brotli' | 'deflate' | 'zstd']: Method | undefined } {
  const { constants } = zlib
  const pair = (here: unknown, elsewhere: unknown) => ({
    here: here as Sync,
    elsewhere: promisify(
      elsewhere as (bytes: Uint8Array, options: object, done: () => void) => void,
    ) as unknown as Async,
  })
  // Younger than the types of the oldest Node.js that is supported.
  const young = zlib as unknown as Readonly<Record<string, unknown>>
  return {
    deflate: {
      byte: 1,
      compress: pair(zlib.deflateSync, zlib.deflate),
      decompress: pair(zlib.inflateSync, zlib.inflate),
      levels: [1, 6, 9],
      options: (level) => ({ level }),
    },
    brotli: {
      byte: 2,
      compress: pair(zlib.brotliCompressSync, zlib.brotliCompress),
      decompress: pair(zlib.brotliDecompressSync, zlib.brotliDecompress),
      levels: [0, 4, 11],
      options: (level, length) => ({
        params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_SIZE_HINT]: length },
      }),
    },
    zstd:
      typeof young.zstdCompressSync === 'function'
        ? {
            byte: 3,
            compress: pair(young.zstdCompressSync, young.zstdCompress),
            decompress: pair(young.zstdDecompressSync, young.zstdDecompress),
            levels: [1, 3, 22],
            options: (level) => ({
              params: {
                [(constants as unknown as Record<string, number>).ZSTD_c_compressionLevel as number]: level,
              },
            }),
          }
        : undefined,
  }
}

function unreadable(what: string): CacheError {
  return new CacheError('INVALID_VALUE', `A value of ${what}.`)
}
