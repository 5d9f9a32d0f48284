import type { Receipt, ReceiptStatus } from '../core/receipt.ts'
import { joinTokens } from '../core/token.ts'

const FROM_BEST_TO_WORST: readonly ReceiptStatus[] = ['applied', 'queued', 'unprotected']

/** One receipt for changes applied one after another: it claims no more than the worst of them, and is behind none. */
export function joinReceipts(receipts: readonly [Receipt, ...Receipt[]]): Receipt {
  const [first] = receipts
  if (receipts.length === 1) return first
  const all = <T>(of: (receipt: Receipt) => readonly T[]): T[] => [...new Set(receipts.flatMap(of))]
  const worst = Math.max(...receipts.map(({ status }) => FROM_BEST_TO_WORST.indexOf(status)))
  return Object.freeze({
    status: FROM_BEST_TO_WORST[worst] ?? first.status,
    stamps: all(({ stamps }) => stamps),
    keys: all(({ keys }) => keys),
    patterns: all(({ patterns }) => patterns),
    unknownTables: all(({ unknownTables }) => unknownTables),
    durationMs: receipts.reduce((sum, { durationMs }) => sum + durationMs, 0),
    token: joinTokens(receipts.map(({ token }) => token)),
  })
}
