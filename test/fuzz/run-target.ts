import fc from 'fast-check'
import type { FuzzTarget, HardInput } from './target.ts'

/** What came of a target's cases. */
export interface Fuzzed {
  readonly cases: number
  readonly seconds: number
  /** The case that took longest, in milliseconds; other programs on the machine included. */
  readonly slowestMs: number
  /** The smallest case that is wrong, with what is; undefined where none is. */
  readonly failure: string | undefined
}

/** No case is so large that it may take longer, by far, on any machine. */
const LONGEST_CASE_MS = 2_000

/** Checks so many cases of a target; the same ones for the same seed. */
export async function fuzz({ property }: FuzzTarget, cases: number, seed: number): Promise<Fuzzed> {
  const began = performance.now()
  let slowestMs = 0
  const { ran, report } = await property.open(async (given, check) => {
    const timed = fc.asyncProperty(given, async (one) => {
      const started = performance.now()
      await check(one)
      slowestMs = Math.max(slowestMs, performance.now() - started)
    })
    const details = await fc.check(timed, { numRuns: cases, seed })
    const what =
      details.errorInstance instanceof Error ? details.errorInstance.message : details.errorInstance
    const report = details.failed ? `${what}\n${fc.defaultReportMessage(details)}` : undefined
    return { ran: details.numRuns, report }
  })
  const seconds = (performance.now() - began) / 1e3
  const slow = slowestMs > LONGEST_CASE_MS ? `one case took ${Math.round(slowestMs)} ms` : undefined
  return { cases: ran, seconds, slowestMs, failure: report ?? slow }
}

/** How the time of parsing grows with the length of what is parsed. */
export interface Growth {
  readonly input: string
  readonly length: number
  readonly ms: number
  /** To which power of the length the time grows; undefined where it is too short to tell. */
  readonly power: number | undefined
}

const SHORTEST = 1_024
const LONGEST = 1_048_576
/** Less than this is mostly the compiler and the garbage collector. */
const TELLING_MS = 8
const ENOUGH_MS = 150
/** In proportion, with room for a machine that is shared; in proportion to the square it would be 2. */
const HIGHEST_POWER = 1.75
const ATTEMPTS = 3
/** What is thrown by a hard input counts as out of proportion to everything. */
const THROWN = Number.POSITIVE_INFINITY

/** Doubles the length of each hard input until it takes long enough to tell how its time grows. */
export function growths({ hard }: FuzzTarget): Growth[] {
  return Object.entries(hard).map(([input, make]) => {
    let best = growth(input, make)
    for (let attempt = 1; attempt < ATTEMPTS && isOutOfProportion(best); attempt++) {
      const again = growth(input, make)
      if ((again.power ?? THROWN) < (best.power ?? THROWN)) best = again
    }
    return best
  })
}

function growth(input: string, make: HardInput): Growth {
  const points: { readonly length: number; readonly ms: number }[] = []
  for (let length = SHORTEST, ms = 0; length <= LONGEST && ms < ENOUGH_MS; length *= 2) {
    ms = shortestOf(ms < ENOUGH_MS / 4 ? 3 : 2, make(length))
    points.push({ length, ms })
  }
  const last = points.at(-1) as (typeof points)[number]
  // Over two doublings: one alone is at the mercy of the machine.
  const before = points.at(-3)
  const tells = before !== undefined && last.ms >= TELLING_MS && before.ms > 0
  return { input, ...last, power: tells ? Math.log2(last.ms / before.ms) / 2 : undefined }
}

/** Whether the time is out of proportion: it grows faster than the length, or is long before its growth can be told. */
export function isOutOfProportion({ power, ms }: Growth): boolean {
  return ms === THROWN || (power === undefined ? ms >= ENOUGH_MS : power > HIGHEST_POWER)
}

function shortestOf(times: number, run: () => unknown): number {
  let shortest = THROWN
  for (let time = 0; time < times; time++) {
    const began = performance.now()
    try {
      run()
    } catch {
      return THROWN
    }
    shortest = Math.min(shortest, performance.now() - began)
    if (shortest > ENOUGH_MS) break
  }
  return shortest
}
