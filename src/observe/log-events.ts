import { type Emitter, LOG_LEVELS, type Logger, type LogLevel, type RefusalReason } from '../core/events.ts'

interface LevelAware {
  isLevelEnabled?(level: string): boolean
}

/** What a line says of a key. */
export interface Described {
  readonly family: string | undefined
}

/** How a logger is told. */
export interface Logging {
  /** The cache's name. */
  readonly cache: string
  readonly level: LogLevel
  readonly describe: (key: string) => Described
}

/** Why a value is not kept, however often it is loaded. */
const FOR_EVER: readonly RefusalReason[] = ['uncacheable', 'too-large']

/**
 * Tells a logger what happens: hits, misses, fills and rotations at debug; trouble at warn and error, values
 * that are never kept among it, once for each family and reason. A logger that
 * says its debug level is off (pino does) costs a memory hit nothing.
 */
export function logEvents(events: Emitter, logger: Logger, { cache, level, describe }: Logging): void {
  /** Every line names the cache: a process may have several. */
  const at = (one: LogLevel) =>
    LOG_LEVELS.indexOf(one) < LOG_LEVELS.indexOf(level)
      ? undefined
      : (details: object, message: string) => logger[one]({ ...details, cache }, message)
  const [debug, info, warn, error] = [at('debug'), at('info'), at('warn'), at('error')]
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
