import { question, show } from '../core/errors.ts'
import type { Emitter, EventName } from '../core/events.ts'

/** Of so many a cache tells: names of tables may be endless. */
const MOST = 100

/**
 * Tells the process, by `process.emitWarning`, what nobody listens to and nobody should miss: the first write to each table
 * that the map does not name, the first failure of each table's `bind`, the first time the store is away. A listener of
 * the event silences that one, a logger all of them.
 *
 * @param near the table that an unknown one may stand for; undefined where the map has no tables, which misses none.
 */
export function warnOfUnheard(
  events: Emitter,
  cache: string,
  near: ((table: string) => string | undefined) | undefined,
): void {
  const told = new Set<string>()
  const tell = (event: EventName, about: string, message: string): void => {
    const what = `${event} ${about}`
    if (told.has(what) || told.size >= MOST) return
    told.add(what)
    process.emitWarning(
      `coherent-cache ${show(cache)}: ${message} Told once; with a logger, or a listener of '${event}', not here.`,
      { type: 'CoherentCacheWarning', code: 'COHERENT_CACHE' },
    )
  }
  if (near !== undefined) {
    events.onUnheard('unknownTable', ({ table }) =>
      tell(
        'unknownTable',
        table,
        `the map names no table ${show(table)}: the write made nothing of this cache void.${question(near(table))} Add it to defineDependencies, with an empty list if nothing hangs on it.`,
      ),
    )
  }
  events.onUnheard('bindError', ({ table, error }) =>
    tell(
      'bindError',
      table,
      `the bind function of ${show(table)} threw (${textOf(error)}): the whole table was made void.`,
    ),
  )
  events.onUnheard('degraded', ({ reason }) =>
    tell(
      'degraded',
      '',
      `the store is away (${reason}): reads are answered by loaders, invalidations queued.`,
    ),
  )
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
