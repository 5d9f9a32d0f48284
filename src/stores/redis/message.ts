import type { Cause } from '../../core/events.ts'
import type { InvalidationMessage, Position } from '../../core/store.ts'
import { crc32 } from './checksum.ts'

/** What a message carries besides epoch and sequence. */
export interface MessageBody {
  readonly stamps: readonly string[]
  readonly keys: readonly string[]
  readonly everyKey: boolean
  /** Whose values the keys are. */
  readonly name: string
  readonly cause: Cause | undefined
  /** Whether its maker waits for acknowledgements. */
  readonly heard: boolean
}

/**
 * The body of a message, as the scripts publish it behind `EPOCH:SEQUENCE:`: its checksum and what it says, as JSON. A
 * damaged epoch or number is noticed as a gap; a damaged name would leave in memory what the message was to void.
 */
export function encodeBody({ stamps, keys, everyKey, name, cause, heard }: MessageBody): string {
  const said = JSON.stringify({
    s: stamps,
    k: keys,
    e: everyKey ? 1 : 0,
    n: name,
    c: cause,
    ...(heard ? { a: 1 } : {}),
  })
  return `${checksum(said)}:${said}`
}

/** A whole message, as the scripts publish it. */
export function withPosition({ epoch, sequence }: Position, body: string): string {
  return `${epoch}:${sequence}:${body}`
}

const HEAD = /^([A-Za-z0-9_-]{16}):(\d{1,16}):([0-9a-f]{8}):/

/**
 * Reads a message of a partition's channel. Never throws: undefined for what is no message, which the sequence then
 * shows as a gap. Keys of other applications are left out: they are not this one's.
 */
export function decodeMessage(
  message: string,
  partition: number,
  name: string,
): (InvalidationMessage & { readonly heard: boolean }) | undefined {
  const head = HEAD.exec(message)
  if (head === null) return undefined
  const said = message.slice(head[0].length)
  const sequence = Number(head[2])
  if (head[3] !== checksum(said) || !Number.isSafeInteger(sequence)) return undefined
  try {
    const body = JSON.parse(said) as Record<string, unknown> | null
    if (typeof body !== 'object' || body === null) return undefined
    if (!isTexts(body.s) || !isTexts(body.k)) return undefined
    const own = body.n === name
    return {
      partition,
      epoch: head[1] as string,
      sequence,
      stamps: body.s,
      keys: own ? body.k : [],
      everyKey: own && body.e === 1,
      cause: readCause(body.c),
      heard: body.a === 1,
    }
  } catch {
    return undefined
  }
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function readCause(value: unknown): Cause | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { id, process, tables, unit, trace } = value as Record<string, unknown>
  if (typeof id !== 'string' || typeof process !== 'string' || !isTexts(tables)) return undefined
  return {
    id,
    process,
    tables,
    ...(typeof unit === 'string' ? { unit } : {}),
    ...(typeof trace === 'string' ? { trace } : {}),
  }
}

/** An acknowledgement: which invalidation, in which partition, was applied by whom; its checksum first. */
export function encodeAcknowledgement(id: string, partition: number, process: string): string {
  const said = `${id}:${partition}:${process}`
  return `${checksum(said)}:${said}`
}

/** Reads an acknowledgement; undefined for anything else. */
export function decodeAcknowledgement(
  text: string,
): { readonly id: string; readonly process: string } | undefined {
  const match = /^([0-9a-f]{8}):([^:]{1,64}:\d{1,6}):(.{1,256})$/.exec(text)
  if (match === null || match[1] !== checksum(text.slice(9))) return undefined
  return { id: match[2] as string, process: match[3] as string }
}

function checksum(text: string): string {
  return crc32(Buffer.from(text)).toString(16).padStart(8, '0')
}
