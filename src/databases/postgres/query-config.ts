/** The SQL of a query of `pg`, given as text or as a configuration object; undefined where it is not told. */
export function textOf(config: unknown): string | undefined {
  if (typeof config === 'string') return config
  const { text } = (config ?? {}) as { text?: unknown }
  return typeof text === 'string' ? text : undefined
}

/** Whether this is a cursor, a stream or the like, which sends what it has to by itself. */
export function isSubmittable(config: unknown): boolean {
  return typeof (config as { submit?: unknown } | null | undefined)?.submit === 'function'
}
