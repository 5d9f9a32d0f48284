import * as zlib from 'node:zlib'
import { asBuffer } from '../../core/bytes.ts'

/** Bytes of a checksum. */
const LENGTH = 4

/**
 * A value as it stands in Redis: the entry, and behind it its CRC-32, big-endian. A digit that has gone missing or a
 * byte that has changed would otherwise be read as another value.
 */
export function withChecksum(entry: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(entry.byteLength + LENGTH)
  bytes.set(entry)
  bytes.writeUInt32BE(crc32(entry), entry.byteLength)
  return bytes
}

/** The entry, if it is as it was written; an empty one otherwise, which no reader takes for a value. */
export function withoutChecksum(stored: Uint8Array): Uint8Array {
  const length = stored.byteLength - LENGTH
  if (length < 0) return new Uint8Array(0)
  const entry = stored.subarray(0, length)
  const written = asBuffer(stored).readUInt32BE(length)
  return written === crc32(entry) ? entry : new Uint8Array(0)
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1
  return rest
})

/** By `node:zlib` where it has it (Node 20.15 and 22.2), which is twenty times as fast. */
const native = (zlib as { readonly crc32?: (bytes: Uint8Array) => number }).crc32

export function crc32(bytes: Uint8Array): number {
  return native === undefined ? crc32ByTable(bytes) : native(bytes)
}

export function crc32ByTable(bytes: Uint8Array): number {
  let sum = 0xffffffff
  for (let at = 0; at < bytes.length; at++) {
    sum = (sum >>> 8) ^ (TABLE[(sum ^ (bytes[at] as number)) & 0xff] as number)
  }
  return (sum ^ 0xffffffff) >>> 0
}
