import { asBuffer } from '../../core/bytes.ts'
import { TOKEN_LENGTH } from '../../core/entry.ts'
import { CacheError } from '../../core/errors.ts'
import type { Position } from '../../core/store.ts'

export function list(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? reply : refuse()
}

export function text(reply: unknown): string {
  return reply instanceof Uint8Array ? asBuffer(reply).toString('latin1') : refuse()
}

export function number(reply: unknown): number {
  return Number.isSafeInteger(reply) && (reply as number) >= 0 ? (reply as number) : refuse()
}

/** Where a partition stands, as every reply begins. */
export function positionOf(reply: readonly unknown[], partition: number): Position {
  const epoch = text(reply[0])
  const sequence = number(reply[1])
  return epoch.length === TOKEN_LENGTH ? { partition, epoch, sequence } : refuse()
}

/** What is half understood is not acted upon: a list that is missing may be that of those to wait for. */
export function refuse(): never {
  throw new CacheError('STORE_REPLY', 'The store gave a reply that no script of this version gives.')
}
