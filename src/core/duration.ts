import { CacheError, show } from './errors.ts'

/** The units a duration can be written in: milliseconds, seconds, minutes, hours, days, weeks. */
export type DurationUnit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w'

/** A length of time: a number of milliseconds, or a number with a unit such as `'200ms'`, `'5s'`, `'1.5h'`. */
export type Duration = number | `${number}${DurationUnit}`

const UNITS: Readonly<Record<DurationUnit, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

const WRITTEN = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/

/** The longest duration that is accepted: ten years, so that a mistyped unit is noticed. */
const LONGEST = 3_650 * UNITS.d

/**
 * A duration in milliseconds.
 *
 * @throws CacheError `INVALID_DURATION` for anything negative, not finite, unreadable, or longer than ten years;
 *   `what` names the option in the message.
 *
 * @example
 * ```ts
 * import { milliseconds } from 'coherent-cache'
 *
 * milliseconds('1.5m') // 90_000
 * milliseconds(250) // 250
 * ```
 */
export function milliseconds(duration: Duration, what = 'duration'): number {
  const length = typeof duration === 'number' ? duration : read(duration)
  if (Number.isFinite(length) && length >= 0 && length <= LONGEST) return length
  throw new CacheError(
    'INVALID_DURATION',
    `${what}: ${show(duration)} is not a duration. Write milliseconds as a number from 0, or a number with a unit, such as '200ms', '5s', '2m', '1h', '7d' (at most ten years).`,
  )
}

function read(written: unknown): number {
  const match = typeof written === 'string' ? WRITTEN.exec(written.trim()) : null
  const unit = match?.[2] as DurationUnit | undefined
  return match && unit ? Number(match[1]) * UNITS[unit] : Number.NaN
}
