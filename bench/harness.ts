import { setImmediate as turn } from 'node:timers/promises'

/** The middle of several rounds, with the extremes. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** One of the things compared. */
export interface Subject {
  readonly name: string
  /** How often `run` repeats in one round. @default as often as fits the round's time */
  readonly times?: number
  /** Untimed, before each round. */
  readonly prepare?: () => unknown
  /** Does what is measured `times` times, and nothing else: the loop is its own, so that no other subject shares its call sites. */
  readonly run: (times: number) => unknown
}

export interface RaceOptions {
  /** @default 15 */
  readonly rounds?: number
  /** How long one subject runs in one round, in milliseconds. @default 20 */
  readonly roundMs?: number
  /** How long each subject runs before the first round, in milliseconds. @default 200 */
  readonly warmUpMs?: number
  /** How often it runs before the first round at least: code of many functions is compiled late. @default 0 */
  readonly warmUpTimes?: number
}

/** How long one operation took, in nanoseconds, in each round. */
export class Timing {
  constructor(
    readonly name: string,
    readonly rounds: readonly number[],
  ) {}

  get ns(): Spread {
    return spread(this.rounds)
  }

  get microseconds(): Spread {
    return spread(this.rounds.map((ns) => ns / 1e3))
  }

  get milliseconds(): Spread {
    return spread(this.rounds.map((ns) => ns / 1e6))
  }

  /** Throughput as a share of the base's, round by round: neighbours in time share the machine's moods. */
  speedOf(base: Timing): Spread {
    return spread(this.rounds.map((ns, round) => (base.rounds[round] as number) / ns))
  }

  /** Time as a multiple of the base's, round by round. */
  costOf(base: Timing): Spread {
    return spread(this.rounds.map((ns, round) => ns / (base.rounds[round] as number)))
  }
}

/**
 * Measures subjects side by side in one process: warms each up, then runs them in turns, a different one first in each
 * round. The event loop turns between any two, so that timers and replies are never starved.
 */
export async function race<const S extends readonly Subject[]>(
  subjects: S,
  { rounds = 15, roundMs = 20, warmUpMs = 200, warmUpTimes = 0 }: RaceOptions = {},
): Promise<{ readonly [Index in keyof S]: Timing }> {
  const lanes: { subject: Subject; times: number; measured: number[] }[] = []
  for (const subject of subjects)
    lanes.push({ subject, times: await warmUp(subject, { warmUpMs, warmUpTimes, roundMs }), measured: [] })
  collectGarbage()
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < lanes.length; at++) {
      const lane = lanes[(round + at) % lanes.length] as (typeof lanes)[number]
      lane.measured.push((await runOnce(lane.subject, lane.times)) / lane.times)
    }
  }
  return lanes.map(({ subject, measured }) => new Timing(subject.name, measured)) as {
    readonly [Index in keyof S]: Timing
  }
}

/** Runs the subject for a while. @returns how often it is to repeat in a round */
async function warmUp(
  subject: Subject,
  { warmUpMs, warmUpTimes, roundMs }: Required<Pick<RaceOptions, 'warmUpMs' | 'warmUpTimes' | 'roundMs'>>,
): Promise<number> {
  let times = subject.times ?? 1
  for (let spent = 0, ran = 0; ; ) {
    const ns = await runOnce(subject, times)
    spent += ns / 1e6
    ran += times
    if (spent >= warmUpMs && ran >= warmUpTimes)
      return subject.times ?? Math.max(1, Math.round((times * roundMs) / Math.max(ns / 1e6, 1e-3)))
    if (subject.times === undefined && ns / 1e6 < roundMs / 2) times *= 2
  }
}

/** @returns nanoseconds */
async function runOnce({ prepare, run }: Subject, times: number): Promise<number> {
  await prepare?.()
  await turn()
  const began = performance.now()
  await run(times)
  return (performance.now() - began) * 1e6
}

/** Keeps `width` operations in flight until `times` of them have ended. */
export async function inFlight(width: number, times: number, operation: () => Promise<unknown>) {
  let left = times
  const lane = async () => {
    while (left-- > 0) await operation()
  }
  await Promise.all(Array.from({ length: Math.min(width, times) }, lane))
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN }
}

/** Starts from a clean heap, where Node was started with `--expose-gc`. */
export function collectGarbage(): void {
  ;(globalThis as { gc?: () => void }).gc?.()
}
