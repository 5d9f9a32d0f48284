import { ByteReader, unreadable } from './byte-reader.ts'

/** What a replication connection carries: a piece of the log, or a sign of life. Places in the log are LSNs as numbers. */
export type Frame =
  | { readonly kind: 'data'; readonly at: bigint; readonly end: bigint; readonly data: Buffer }
  | { readonly kind: 'alive'; readonly end: bigint; readonly answer: boolean }

/** @throws CacheError `REPLICATION_MESSAGE` */
export function readFrame(bytes: Uint8Array): Frame {
  const reader = new ByteReader(bytes)
  const tag = reader.tag()
  if (tag === 'w') {
    const at = reader.int64()
    const end = reader.int64()
    reader.skip(8)
    return { kind: 'data', at, end, data: reader.rest() }
  }
  if (tag !== 'k') throw unreadable(`a frame ${JSON.stringify(tag)}`)
  const end = reader.int64()
  reader.skip(8)
  return { kind: 'alive', end, answer: reader.byte() === 1 }
}

/** Milliseconds from 1970 to 2000, where PostgreSQL's time begins. */
const EPOCH_MS = 946_684_800_000

/** Says how far the log has been applied: the server keeps nothing before that for us. `ask` has it answer. */
export function statusUpdate(applied: bigint, now: number, ask: boolean): Buffer {
  const bytes = Buffer.alloc(34)
  bytes.write('r', 0, 'latin1')
  for (const at of [1, 9, 17]) bytes.writeBigUInt64BE(applied, at)
  bytes.writeBigInt64BE(BigInt(Math.round(now - EPOCH_MS)) * 1_000n, 25)
  bytes.writeUInt8(ask ? 1 : 0, 33)
  return bytes
}

const LSN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i

/** An LSN as PostgreSQL writes it, as a number; 0 for anything else. */
export function parseLsn(text: unknown): bigint {
  const [, high, low] = (typeof text === 'string' ? LSN.exec(text) : null) ?? []
  return high === undefined || low === undefined ? 0n : (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/** As positions are compared: of one length. PostgreSQL reads it as it is. */
export function writeLsn(lsn: bigint): string {
  const text = lsn.toString(16).toUpperCase().padStart(16, '0')
  return `${text.slice(0, 8)}/${text.slice(8)}`
}
