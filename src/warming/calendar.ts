import { CacheError, show } from '../core/errors.ts'

/** The part of a `Cron` of the croner package that is used. */
export interface CronLike {
  nextRun(after?: Date): Date | null
}

/** The class `Cron` of the croner package, 10 or 11. */
export type CronClass = new (
  pattern: string,
  options: { readonly timezone?: string; readonly paused?: boolean },
) => CronLike

/** When something falls due. */
export interface Calendar {
  /** What it goes by, as text: another text, another calendar. */
  readonly text: string
  /** The first time after this one, both in milliseconds since 1970; undefined where there is none. */
  next(after: number): number | undefined
}

/** @throws CacheError `INVALID_OPTION` for a pattern or a time zone that croner does not take */
export function calendarOf(Cron: CronClass, cron: string, timeZone: string, what: string): Calendar {
  try {
    const job = new Cron(cron, { timezone: timeZone, paused: true })
    // A time zone is not looked at before it is needed.
    job.nextRun(new Date(0))
    return {
      text: `${cron} ${timeZone}`,
      next: (after) => job.nextRun(new Date(after))?.getTime(),
    }
  } catch (error) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: ${show(cron)} in ${show(timeZone)} is no schedule: ${(error as Error).message.replace(/\.+$/, '')}. Write five fields such as '0 0 * * *', and an IANA time zone such as 'Asia/Kolkata'.`,
      { cause: error },
    )
  }
}
