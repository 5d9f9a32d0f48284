/**
 * The name of something that values depend on. A stamp's current token names its current generation; to rotate the
 * stamp is to make that token void, and with it every value that was filled under it.
 *
 * Names are the same in every process, whatever its map: they are made of a pattern's text and of captured values in
 * the encoding of keys, neither of which can hold a `|`.
 */
export type StampName = string

/** The stamp every value depends on; `clear()` rotates it. */
export const ROOT: StampName = '|'

/** The stamp of a pattern under a leading run of its captures, which may be empty. */
export function patternStamp(pattern: string, run: readonly string[]): StampName {
  return run.length === 0 ? pattern : `${pattern}|${run.map(spelled).join(':')}`
}

/** The stamp of one value of a declared scope. */
export function scopeStamp(scope: string, value: string): StampName {
  return `|${scope}=${spelled(value)}`
}

/**
 * A captured value as stamps name it: SQLite and MySQL return 0 and 1 for what a key may spell `false` and `true`, so that
 * both spellings hang on one stamp. Wider than needed where a parameter may be either, never wrong.
 */
function spelled(value: string): string {
  return value === 'true' ? '1' : value === 'false' ? '0' : value
}

/** A key's own stamp, where soft locks are in use: a unit that names the key locks it. */
export function keyStamp(key: string): StampName {
  return `|key|${key}`
}

/** The stamp that stands for a registered map. */
export function registrationStamp(digest: string): StampName {
  return `|map|${digest}`
}

/** A stamp's name as people read it, in logs and `explain`. */
export function describeStamp(name: StampName): string {
  if (name === ROOT) return 'everything'
  if (name.startsWith('|key|')) return `key ${name.slice(5)}`
  if (name.startsWith('|map|')) return `map ${name.slice(5)}`
  if (name.startsWith('|')) return `scope ${name.slice(1)}`
  const [pattern, run] = name.split('|')
  return run === undefined ? `${pattern}` : `${pattern} at ${run}`
}
