import { CacheError, show } from './errors.ts'

/** A limit on the loads that run at once. A load that is part of another one, or runs inside a unit, does not count. */
export interface LoadOptions {
  /** How many run at once, in this process. A batch is one. */
  readonly concurrency: number
  /** How many more may wait for their turn, first come, first served; beyond, a read rejects with `OVERLOADED`. @default 10_000 */
  readonly queue?: number | undefined
}

const DEFAULT_QUEUE = 10_000

/**
 * Refuses an options object that is none, or that has a name which is not among `known`: a misspelt option must
 * not be ignored.
 *
 * @throws CacheError `INVALID_OPTION`, with the closest known name where one is close.
 */
export function checkOptions(options: unknown, known: readonly string[], what: string): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: ${show(options)} is not an options object. Write { … } with any of ${known.join(', ')}.`,
    )
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const close = known.find((candidate) => alike(candidate, name))
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: there is no option ${show(name)}.${close ? ` Did you mean ${show(close)}?` : ` The options are ${known.join(', ')}.`}`,
    )
  }
}

/** @throws CacheError `INVALID_OPTION` unless `value` is one of `choices`. */
export function checkChoice<const T>(value: T, choices: readonly T[], what: string): T {
  if (choices.includes(value)) return value
  throw new CacheError(
    'INVALID_OPTION',
    `${what}: ${show(value)} is none of ${choices.map(show).join(', ')}.`,
  )
}

/** @throws CacheError `INVALID_OPTION` unless `value` is a whole number of at least `least`. */
export function checkCount(
  value: unknown,
  least: number,
  what: string,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
    return value
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
  throw new CacheError('INVALID_OPTION', `${what}: ${show(value)} is not a whole number ${range}.`)
}

/** How many loads may run at once, and how many more may wait. @throws CacheError `INVALID_OPTION` */
export function readLoads(
  loads: LoadOptions | undefined,
  what: string,
): { readonly concurrency: number; readonly queue: number } | undefined {
  checkOptions(loads, ['concurrency', 'queue'], what)
  if (loads === undefined) return undefined
  return {
    concurrency: checkCount(loads.concurrency, 1, `${what}.concurrency`),
    queue: loads.queue === undefined ? DEFAULT_QUEUE : checkCount(loads.queue, 0, `${what}.queue`),
  }
}

/** @throws CacheError `INVALID_OPTION` unless `value` is text that fits a name: no white space, colon or brace. */
export function checkName(value: unknown, what: string): string {
  if (typeof value === 'string' && /^[\w.@/+-]{1,64}$/.test(value)) return value
  throw new CacheError(
    'INVALID_OPTION',
    `${what}: ${show(value)} is not a name. Use 1 to 64 letters, digits or . _ - @ / +, such as 'finance'.`,
  )
}

/** Whether a name may be another one, misspelt. */
export function alike(known: string, given: string): boolean {
  const one = known.toLowerCase()
  const other = given.toLowerCase()
  if (one === other || one.startsWith(other) || other.startsWith(one)) return true
  let start = 0
  while (start < one.length && one[start] === other[start]) start++
  let end = 0
  while (end < Math.min(one.length, other.length) - start && one.at(-1 - end) === other.at(-1 - end)) end++
  return Math.max(one.length, other.length) - start - end <= 2
}
