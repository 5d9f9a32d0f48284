import { CacheError, show } from '../core/errors.ts'

const FORMATS_KEPT = 64

/** Formatters by time zone: making one costs tens of microseconds. Bounded, and kept by whoever asks. */
function formatter(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
}

/** Remembers formatters, so that one policy formats with one object. */
export function dateFormatter(): (time: number, timeZone: string) => string {
  const formats = new Map<string, Intl.DateTimeFormat>()
  return (time, timeZone) => {
    let format = formats.get(timeZone)
    if (format === undefined) {
      if (formats.size >= FORMATS_KEPT) formats.clear()
      format = formatter(timeZone)
      formats.set(timeZone, format)
    }
    return written(format, time)
  }
}

/**
 * The calendar date of a moment in an IANA time zone, as `YYYY-MM-DD`.
 *
 * @throws CacheError `INVALID_ARGUMENT` for a moment or a time zone that is none.
 *
 * @example
 * ```ts
 * import { localDate } from 'coherent-cache'
 *
 * localDate(new Date('2026-11-19T20:00:00Z'), 'Asia/Kolkata') // '2026-11-20'
 * ```
 */
export function localDate(moment: Date | number | string, timeZone: string): string {
  const time = moment instanceof Date ? moment.getTime() : new Date(moment).getTime()
  if (Number.isNaN(time)) {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `localDate: ${show(moment)} is no moment. Pass a Date, milliseconds since 1970 or ISO text.`,
    )
  }
  try {
    return written(formatter(timeZone), time)
  } catch (cause) {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `localDate: ${show(timeZone)} is no IANA time zone, such as 'Asia/Kolkata'.`,
      { cause },
    )
  }
}

function written(format: Intl.DateTimeFormat, time: number): string {
  const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, value]))
  return `${(parts.get('year') ?? '').padStart(4, '0')}-${parts.get('month')}-${parts.get('day')}`
}

/** The number of days from 1970-01-01 to a `YYYY-MM-DD` text, or undefined for text that is no date. */
export function parseDate(text: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?!\d)/.exec(text)
  if (match === null) return undefined
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  // Not Date.UTC, which takes the years of the first century for those of the twentieth.
  const date = new Date(0)
  const time = date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? time / 86_400_000 : undefined
}

const DAY_MS = 86_400_000
/** No zone's calendar is further than this from that of UTC. */
const FARTHEST_MS = 15 * 3_600_000
const STARTS_KEPT = 64

/**
 * Finds when a day of a zone's calendar begins, or the first one after it where the zone skipped it. Remembers a few.
 *
 * @returns a function of the day's number and of a moment: days that cannot have begun by then are not looked into, and
 *   count as beginning at some later moment.
 */
export function dayStarts(
  dateOf: (time: number, timeZone: string) => string,
  timeZone: string,
): (day: number, by: number) => number {
  const known = new Map<number, number>()
  return (day, by) => {
    const earliest = day * DAY_MS - FARTHEST_MS
    if (earliest >= by) return earliest
    const found = known.get(day)
    if (found !== undefined) return found
    // By halves: offsets are known to no one but the formatter.
    let before = earliest
    let begun = day * DAY_MS + FARTHEST_MS
    while (begun - before > 1) {
      const middle = Math.floor((before + begun) / 2)
      if (dayNumber(dateOf(middle, timeZone)) >= day) begun = middle
      else before = middle
    }
    if (known.size >= STARTS_KEPT) known.clear()
    known.set(day, begun)
    return begun
  }
}

/** {@link parseDate} for text known to be a date. */
export function dayNumber(date: string): number {
  return parseDate(date) ?? 0
}
