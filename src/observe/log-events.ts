import type { Emitter, Logger, RefusalReason } from '../core/events.ts'

interface LevelAware {
  isLevelEnabled?(level: string): boolean
}

/** What a line says of a key. */
export interface Described {
  readonly family: string | undefined
}

/** Why a value is not kept, however often it is loaded. */
const FOR_EVER: readonly RefusalReason[] = ['uncacheable', 'too-large']

/**
 * Tells a logger what happens: hits, misses, fills and rotations at debug; trouble at warn and error, values
 * that are never kept among it, once for each family and reason. A logger that
 * says its debug level is off (pino does) costs a memory hit nothing.
 */
export function logEvents(events: Emitter, logger: Logger, describe: (key: string) => Described): void {
  const { debug, info, warn, error } = {
    debug: logger.debug?.bind(logger),
    info: logger.info?.bind(logger),
    warn: logger.warn?.bind(logger),
    error: logger.error?.bind(logger),
  }
  const debugging = debug !== undefined && (logger as LevelAware).isLevelEnabled?.('debug') !== false
  if (debugging) {
    events.on('hit', ({ key, ...rest }) => debug({ ...describe(key), ...rest }, 'cache hit'))
    events.on('miss', ({ key, ...rest }) => debug({ ...describe(key), ...rest }, 'cache miss'))
    events.on('load', ({ key, ...rest }) => debug({ ...describe(key), ...rest }, 'cache load'))
    events.on('fill', ({ key, ...rest }) => debug({ ...describe(key), ...rest }, 'cache fill'))
    events.on('remoteInvalidated', (event) => debug(event, 'cache invalidated elsewhere'))
  }
  const warned = new Set<string>()
  events.on('refused', ({ key, ...rest }) => {
    const about = describe(key)
    const what = `${rest.reason} ${about.family ?? ''}`
    const first = FOR_EVER.includes(rest.reason) && !warned.has(what)
    if (first) warned.add(what)
    const log = first ? warn : debugging ? debug : undefined
    log?.({ ...about, ...rest }, first ? 'cache value not kept: loaded at every read' : 'cache fill refused')
  })
  if (info !== undefined) {
    events.on('invalidated', ({ receipt, ...rest }) => {
      const { status, stamps, keys, durationMs } = receipt
      info({ ...rest, status, stamps, keys, durationMs }, 'cache invalidated')
    })
    events.on('recovered', (event) => info(event, 'cache store recovered'))
    events.on('flushed', (event) => info(event, 'cache stamps flushed'))
    events.on('lead', (event) => info(event, event.held ? 'cache schedules led here' : 'cache lead given up'))
    events.on('warming', (event) => {
      if (event.phase !== 'running') info(event, `cache warming ${event.phase}`)
    })
  }
  if (warn !== undefined) {
    events.on('degraded', (event) =>
      warn(event, 'cache store away: answering from loaders, queueing invalidations'),
    )
    events.on('warning', ({ message }) => warn({}, `cache: ${message}`))
    events.on('unknownTable', (event) => warn(event, 'cache map does not name a written table'))
    events.on('unreadable', ({ key, ...rest }) =>
      warn({ ...describe(key), ...rest }, 'cache value unreadable'),
    )
  }
  if (error !== undefined) {
    events.on('bindError', (event) =>
      error(event, 'cache map: a bind function threw; the whole table was invalidated'),
    )
    events.on('parked', (event) => error(event, 'cache event parked: it could not be applied'))
    events.on('listenerError', (event) => error(event, 'cache listener threw'))
  }
}
