import { type Duration, milliseconds } from '../core/duration.ts'
import { CacheError, show } from '../core/errors.ts'
import type { LifetimePolicy } from '../core/lifetime.ts'
import { checkOptions } from '../core/options.ts'
import { dateFormatter, dayNumber, dayStarts, parseDate } from './calendar.ts'

/** Lifetimes by the age in days of a date in the key. */
export interface ByAgeOptions {
  /** The IANA time zone whose calendar decides what today is. @default 'UTC' */
  readonly timeZone?: string
  /** Age in whole days → lifetime: an age up to and including the number has that lifetime. 0 is today and later. */
  readonly tiers: Readonly<Record<number, Duration>>
  /** The lifetime of anything older. */
  readonly beyond: Duration
}

/**
 * A lifetime by the age of the data: by how many calendar days ago the date in a key parameter (`YYYY-MM-DD`, what
 * follows is ignored) was, in a time zone. Dates in the future count as today. A parameter that is no date gets the
 * shortest lifetime of all.
 *
 * A day may end while a value lives. Where the tier it then falls into is a shorter one, the value ends when that tier
 * allows it, counted from its load, but not before the day has ended. It never lives longer than at its load was meant.
 *
 * @throws CacheError `INVALID_OPTION` or `INVALID_DURATION`; and `INVALID_KEY` from `defineKeys` where the family's
 *   template has no such parameter.
 *
 * @example
 * ```ts
 * import { byAge, defineKeys } from 'coherent-cache'
 *
 * defineKeys({
 *   report: {
 *     key: 'report:{orgId}:{date}',
 *     ttl: byAge('date', {
 *       timeZone: 'Asia/Kolkata',
 *       tiers: { 0: '5s', 1: '10s', 3: '30s', 7: '2m', 30: '5m' },
 *       beyond: '15m',
 *     }),
 *   },
 * })
 * ```
 */
export function byAge(parameter: string, options: ByAgeOptions): LifetimePolicy {
  const what = `byAge(${show(parameter)})`
  if (typeof parameter !== 'string' || parameter === '') {
    throw new CacheError('INVALID_OPTION', `${what}: name the key parameter that holds the date.`)
  }
  // Whole, so that what is missing is named like what is wrong.
  checkOptions(options ?? null, ['timeZone', 'tiers', 'beyond'], what)
  if (typeof options.tiers !== 'object' || options.tiers === null || Array.isArray(options.tiers)) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: tiers: ${show(options.tiers)} is not an object of lifetimes by age in days, such as { 0: '5s', 7: '2m' }.`,
    )
  }
  const timeZone = checkTimeZone(options.timeZone ?? 'UTC', what)
  const tiers = Object.entries(options.tiers)
    .map(([age, ttl]) => ({ age: checkAge(age, what), ttl: milliseconds(ttl, `${what}: tier ${age}`) }))
    .sort((one, other) => one.age - other.age)
  const beyond = milliseconds(options.beyond, `${what}: beyond`)
  const today = dateFormatter()
  const startOf = dayStarts(today, timeZone)
  const shortest = Math.min(beyond, ...tiers.map(({ ttl }) => ttl))
  return Object.freeze({
    description: `by age of {${parameter}} in ${timeZone}`,
    parameters: [parameter],
    lifetime({ params, now }: { params: Readonly<Record<string, string>>; now: number }) {
      const day = parseDate(params[parameter] ?? '')
      if (day === undefined) return shortest
      const age = Math.max(0, dayNumber(today(now, timeZone)) - day)
      const at = tiers.findIndex((tier) => age <= tier.age)
      let length = at < 0 ? beyond : (tiers[at]?.ttl ?? beyond)
      for (let next = at; next >= 0 && next < tiers.length; next++) {
        const { age: last } = tiers[next] as Tier
        const { ttl } = tiers[next + 1] ?? { ttl: beyond }
        if (ttl >= length) continue
        const left = startOf(day + last + 1, now + length) - now
        if (left >= length) break
        length = Math.max(left, ttl)
      }
      return length
    },
  })
}

/** Up to and including an age in days: a lifetime in milliseconds. */
interface Tier {
  readonly age: number
  readonly ttl: number
}

function checkAge(age: string, what: string): number {
  const days = Number(age)
  if (Number.isSafeInteger(days) && days >= 0) return days
  throw new CacheError(
    'INVALID_OPTION',
    `${what}: the tier ${show(age)} is not a whole number of days from 0.`,
  )
}

function checkTimeZone(timeZone: string, what: string): string {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return timeZone
  } catch (cause) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: ${show(timeZone)} is no IANA time zone, such as 'Asia/Kolkata'.`,
      { cause },
    )
  }
}
