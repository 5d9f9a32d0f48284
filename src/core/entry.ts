import { asBuffer } from './bytes.ts'
import { flat } from './flat.ts'
import { sha256 } from './sha256.ts'
import type { StampName } from './stamp.ts'

/**
 * A stored value, format 1. All texts are ASCII; numbers are big-endian.
 *
 * | bytes | content |
 * | --- | --- |
 * | 3 | `CC1` |
 * | 2 | number of tokens, hexadecimal |
 * | 16 | digest of the stamps' names, in order |
 * | 16 | epoch |
 * | 16 each | tokens, in the order of the names |
 * | 8 | wall-clock time of the load, float64 milliseconds |
 * | 8 | lifetime, float64 milliseconds |
 * | 16 | ETag |
 * | 4 | version of the family's shape |
 * | 1 | codec |
 * | rest | payload |
 *
 * All up to the last token is the *fingerprint*: a value is valid exactly if its fingerprint is the one its reader
 * expects, so that judging is one comparison, in the store's script as in this process.
 */
export interface StoredEntry {
  readonly fingerprint: string
  /** Wall-clock milliseconds since 1970. */
  readonly loadedAt: number
  readonly lifetimeMs: number
  readonly etag: string
  readonly version: number
  readonly codec: number
  readonly payload: Uint8Array
}

/** A stored value that is known to be valid. */
export type JudgedEntry = Omit<StoredEntry, 'fingerprint'>

const MAGIC = 'CC1'
/** Length of tokens, epochs, ETags and digests, in characters. */
export const TOKEN_LENGTH = 16
const MOST_STAMPS = 255
const META = 8 + 8 + TOKEN_LENGTH + 4 + 1

/** The part of a fingerprint that does not change between fills: format, number and names of the stamps. */
export function fingerprintHead(stamps: readonly StampName[]): string {
  if (stamps.length > MOST_STAMPS)
    throw new RangeError(`${stamps.length} stamps; at most ${MOST_STAMPS} fit an entry`)
  const names = sha256(stamps.join('\n')).slice(0, TOKEN_LENGTH)
  return flat(`${MAGIC}${stamps.length.toString(16).padStart(2, '0')}${names}`)
}

/** What a valid value's fingerprint is. */
export function fingerprint(head: string, epoch: string, tokens: readonly string[]): string {
  return head + epoch + tokens.join('')
}

export function encodeEntry(entry: StoredEntry): Uint8Array {
  const start = entry.fingerprint.length
  const bytes = Buffer.allocUnsafe(start + META + entry.payload.length)
  bytes.write(entry.fingerprint, 0, 'latin1')
  bytes.writeDoubleBE(entry.loadedAt, start)
  bytes.writeDoubleBE(entry.lifetimeMs, start + 8)
  bytes.write(entry.etag.padEnd(TOKEN_LENGTH).slice(0, TOKEN_LENGTH), start + 16, 'latin1')
  bytes.writeUInt32BE(entry.version, start + 16 + TOKEN_LENGTH)
  bytes.writeUInt8(entry.codec, start + 20 + TOKEN_LENGTH)
  bytes.set(entry.payload, start + META)
  return bytes
}

/** Reads stored bytes. Never throws: a text instead of an entry says what is wrong with them. */
export function decodeEntry(stored: Uint8Array): StoredEntry | string {
  const judged = decodeJudged(stored)
  if (typeof judged === 'string') return judged
  const end = stored.byteLength - judged.payload.byteLength - META
  return { fingerprint: asBuffer(stored).toString('latin1', 0, end), ...judged }
}

/** As {@link decodeEntry}, of bytes whose fingerprint has been judged: nobody asks for it again. */
export function decodeJudged(stored: Uint8Array): JudgedEntry | string {
  const bytes = asBuffer(stored)
  if (bytes.length < MAGIC.length + 2) return 'too short for an entry'
  if (bytes[0] !== 67 || bytes[1] !== 67 || bytes[2] !== 49) {
    const magic = bytes.toString('latin1', 0, MAGIC.length)
    return magic.startsWith('CC') ? `format ${magic[2]} instead of ${MAGIC[2]}` : 'not an entry'
  }
  const count = 16 * hexadecimal(bytes[MAGIC.length]) + hexadecimal(bytes[MAGIC.length + 1])
  if (Number.isNaN(count)) return 'an unreadable number of tokens'
  const start = MAGIC.length + 2 + TOKEN_LENGTH * (2 + count)
  if (bytes.length < start + META) return 'cut short'
  const loadedAt = bytes.readDoubleBE(start)
  const lifetimeMs = bytes.readDoubleBE(start + 8)
  if (!Number.isFinite(loadedAt) || !(lifetimeMs >= 0)) return 'unreadable times'
  return {
    loadedAt,
    lifetimeMs,
    etag: bytes.toString('latin1', start + 16, start + 16 + TOKEN_LENGTH),
    version: bytes.readUInt32BE(start + 16 + TOKEN_LENGTH),
    codec: bytes.readUInt8(start + 20 + TOKEN_LENGTH),
    payload: bytes.subarray(start + META),
  }
}

/** The value of a hexadecimal digit in lower case; NaN for anything else. */
function hexadecimal(code: number | undefined): number {
  if (code === undefined) return Number.NaN
  if (code >= 48 && code <= 57) return code - 48
  return code >= 97 && code <= 102 ? code - 87 : Number.NaN
}
