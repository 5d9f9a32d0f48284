/**
 * What a statement for MySQL or MariaDB does, as far as its text tells at a glance.
 *
 * - `'read'`: it certainly writes no table.
 * - `'write'`: it writes the table that it names first, and perhaps others.
 * - `'opaque'`: it may write anything.
 * - `'control'`: it begins or ends a transaction, or commits implicitly, which is for the bound database to do.
 */
export type MysqlStatement =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly table: string }
  | { readonly kind: 'opaque' }
  | { readonly kind: 'control'; readonly word: string }

const LEADING = /^(?:\s+|#[^\n]*(?:\n|$)|--[\s][^\n]*(?:\n|$)|\/\*(?![!M])[\s\S]*?\*\/)+/
const NAME = '(?:`(?:[^`]|``)+`|[\\w$\\u0080-\\uffff]+)'
const PLACE = new RegExp(`^(${NAME}(?:\\s*\\.\\s*${NAME})?)`)
const VERBS = [
  /^(?:insert|replace)\s+(?:(?:low_priority|delayed|high_priority|ignore)\s+)*(?:into\s+)?/i,
  /^update\s+(?:(?:low_priority|ignore)\s+)*/i,
  /^delete\s+(?:(?:low_priority|quick|ignore)\s+)*from\s+/i,
]
const CONTROL = [
  /^(begin|start\s+(?:transaction|slave|replica)|commit|xa)\b/i,
  /^(rollback)\b(?!\s+(?:work\s+)?to\b)/i,
  /^(set\s+(?:(?:session|local|global|@@(?:(?:session|local|global)\.)?)\s*)?autocommit)\b/i,
  /^((?:create|drop)(?!\s+temporary\b)|alter|truncate|rename|grant|revoke|lock\s+tables?|unlock\s+tables?)\b/i,
  /^(analyze|optimize|repair|install|uninstall|flush|reset|cache\s+index|load\s+index)\b/i,
]
const READING = /^(?:select|show|explain|describe|desc)\b/i
/** Besides a semicolon, which may begin another statement, what may hide one, or write. */
const DOUBTFUL = /;\s*\S|\/\*[!M]|\binto\b|\banalyze\b/i
const CALL = /([\w$\u0080-\uffff`]+)\s*\(/g
/** Words before a parenthesis that run nothing of the user's. */
const HARMLESS: readonly string[] = Object.freeze(
  `count sum avg min max coalesce ifnull nullif if in exists values and or not on using select where from as over by
  concat length char_length lower upper trim substring substr left right round floor ceil abs mod now date year month
  day date_format date_add date_sub datediff cast convert json_extract json_unquote group_concat any all some between
  case when then else interval distinct limit join`.split(/\s+/),
)

/** Reads a text of SQL for MySQL or MariaDB. Never throws; what is not certain to be a read is none. */
export function readMysql(sql: string): MysqlStatement {
  const text = sql.replace(LEADING, '')
  for (const expression of CONTROL) {
    const [, word] = expression.exec(text) ?? []
    if (word !== undefined) return { kind: 'control', word: word.toUpperCase() }
  }
  if (/;\s*\S/.test(text)) return { kind: 'opaque' }
  if (READING.test(text)) {
    const calls = [...text.matchAll(CALL)].every(([, name]) => HARMLESS.includes(name?.toLowerCase() ?? ''))
    return { kind: calls && !DOUBTFUL.test(text) ? 'read' : 'opaque' }
  }
  for (const verb of VERBS) {
    const [prefix] = verb.exec(text) ?? []
    const place = prefix === undefined ? undefined : PLACE.exec(text.slice(prefix.length))?.[1]
    if (place !== undefined) return { kind: 'write', table: unquoted(place) }
  }
  return { kind: 'opaque' }
}

/** A name as the map writes it: without quotes, with a dot after its database. */
function unquoted(place: string): string {
  return [...place.matchAll(new RegExp(NAME, 'g'))]
    .map(([part]) => (part.startsWith('`') ? part.slice(1, -1).replaceAll('``', '`') : part))
    .join('.')
}
