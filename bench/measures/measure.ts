import type { Spread } from '../harness.ts'
import type { ContenderKind } from '../support/contender.ts'

/** What a measurement of one contender is given. It runs in a process of its own. */
export interface MeasureContext {
  readonly kind: ContenderKind
  readonly quick: boolean
  readonly full: boolean
  /** Of a private Redis, emptied before. */
  readonly port: number
}

/** Named figures of one contender; undefined where it has nothing to measure. */
export type Measured = Readonly<Record<string, number | Spread | undefined>>

export type Measure = (context: MeasureContext) => Promise<Measured>

/** A report of about 300 bytes of JSON that names its key, as layered-loader's batches need. */
export function makeItem(key: string) {
  return {
    key,
    currency: 'USD',
    revenue: 125_000.5,
    expenses: 48_210.25,
    pending: 3,
    lines: [
      { name: 'rooms', amount: 98_000, share: 0.78 },
      { name: 'restaurant', amount: 21_000.5, share: 0.17 },
      { name: 'events', amount: 6_000, share: 0.05 },
    ],
    approvedBy: 'night audit',
    note: 'closed at 02:00, no adjustments since',
  }
}

export async function unexpected(): Promise<never> {
  throw new Error('It was not in the cache.')
}
