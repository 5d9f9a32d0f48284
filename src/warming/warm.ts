import { CacheError, show } from '../core/errors.ts'
import { extensionOf } from '../core/extension.ts'
import { checkCount, checkOptions } from '../core/options.ts'
import { checkPlan, type Plan } from './plan.ts'
import { PlanRun, type RunSettings, type WarmedCache } from './plan-run.ts'
import { ProgressBar, type Terminal } from './progress-bar.ts'
import type { WarmingProgress, WarmingResult } from './result.ts'

/** How a plan is carried out. An option that is `undefined` is not given. */
export interface WarmOptions {
  /** The plan in events, in the log and on the progress bar. @default 'plan' */
  readonly name?: string | undefined
  /** How many keys are read at once. @default 8 */
  readonly concurrency?: number | undefined
  /** How many loads may begin per second. Keys that are fresh do not count. @default no limit */
  readonly rate?: number | undefined
  /** Ends the run: no more keys are drawn, and loads that nobody else waits for are aborted. */
  readonly signal?: AbortSignal | undefined
  /** How many keys the plan has, where that is known: for the progress bar. */
  readonly total?: number | undefined
  /** Told at the beginning, at most twice a second, and at the end. */
  readonly onProgress?: ((progress: WarmingProgress) => void) | undefined
  /**
   * A progress bar: on a terminal of yours, on stderr if that is a terminal (`'auto'`), or none (`false`). `warming`
   * events are told in any case.
   *
   * @default 'auto'
   */
  readonly progress?: 'auto' | false | Terminal | undefined
}

export const WARM_OPTIONS = ['name', 'concurrency', 'rate', 'signal', 'total', 'onProgress', 'progress']

const DEFAULT_CONCURRENCY = 8

/**
 * Carries out a plan: reads each of its keys through the cache, as any reader would, so that what is missing is loaded.
 *
 * - **Bounded.** The plan is read one item at a time, as turns come free: a million keys need the memory of
 *   `concurrency` of them. `rate` bounds the loads per second, and the cache's own `loads` hold as well: where they are
 *   full, warming waits and tries again.
 * - **Coherent.** A key that is fresh is not loaded; one that another process loads is waited for; what is invalidated
 *   while it loads is not kept.
 * - **Partial.** A loader that throws is counted and reported, and the rest is done. A store that is away is waited for,
 *   30 s at most: what is loaded meanwhile would be kept nowhere.
 *
 * Reads by warming count in `stats()`, and pass through the memory of this process as other reads do.
 *
 * @returns what became of it; it rejects for nothing but bad input.
 * @throws CacheError `INVALID_OPTION` or `INVALID_ARGUMENT`; `INSIDE_UNIT` inside a transaction, where reads fill nothing.
 *
 * @example
 * ```ts
 * import { createCache, defineKeys, type } from 'coherent-cache'
 * import { warm, warmItem } from 'coherent-cache/warming'
 *
 * const keys = defineKeys({ bundle: { key: 'bundle:{orgId}', value: type<{ deals: number }>() } })
 * const cache = createCache({ name: 'dashboards', keys })
 *
 * async function* everyTenant() {
 *   for (const orgId of [7, 8, 9]) yield warmItem(keys.bundle({ orgId }), async () => ({ deals: orgId }))
 * }
 * const { status, warmed, failures } = await warm(cache, everyTenant, { concurrency: 4, rate: 50 })
 * ```
 */
export async function warm(
  cache: WarmedCache,
  plan: Plan,
  options: WarmOptions = {},
): Promise<WarmingResult> {
  const extension = extensionOf(cache, 'warm')
  checkPlan(plan)
  if (cache.currentUnit() !== undefined) {
    throw new CacheError(
      'INSIDE_UNIT',
      'warm: inside a unit of work nothing is kept in the cache. Warm after the commit.',
    )
  }
  const { settings, bar } = readWarmOptions(options, 'warm')
  const result = await new PlanRun(cache, extension, settings).run(plan)
  bar?.end(result, result.status)
  return result
}

/** @throws CacheError `INVALID_OPTION` */
export function readWarmOptions(
  options: WarmOptions,
  what: string,
): { readonly settings: RunSettings; readonly bar: ProgressBar | undefined } {
  checkOptions(options, WARM_OPTIONS, what)
  const { name = 'plan', concurrency = DEFAULT_CONCURRENCY, rate, signal, total, onProgress } = options
  if (rate !== undefined && !(Number.isFinite(rate) && rate > 0)) {
    throw new CacheError('INVALID_OPTION', `${what}: rate: ${show(rate)} is no number of loads per second.`)
  }
  if (total !== undefined) checkCount(total, 0, `${what}: total`)
  if (typeof name !== 'string')
    throw new CacheError('INVALID_OPTION', `${what}: name: ${show(name)} is no text.`)
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new CacheError('INVALID_OPTION', `${what}: onProgress: ${show(onProgress)} is no function.`)
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new CacheError('INVALID_OPTION', `${what}: signal: ${show(signal)} is no AbortSignal.`)
  const terminal = terminalOf(options.progress, what)
  const bar = terminal && new ProgressBar(terminal, name, total)
  const settings: RunSettings = {
    name,
    concurrency: checkCount(concurrency, 1, `${what}: concurrency`),
    rate: rate ?? 0,
    signal,
    onProgress:
      bar === undefined
        ? onProgress
        : (progress) => {
            bar.draw(progress)
            onProgress?.(progress)
          },
  }
  return { settings, bar }
}

function terminalOf(progress: WarmOptions['progress'], what: string): Terminal | undefined {
  if (progress === false) return undefined
  if (progress === undefined || progress === 'auto') return process.stderr.isTTY ? process.stderr : undefined
  if (typeof progress === 'object' && typeof progress?.write === 'function') return progress
  throw new CacheError(
    'INVALID_OPTION',
    `${what}: progress: ${show(progress)} is none of 'auto', false or a terminal such as process.stderr.`,
  )
}
