import { type MysqlToken, mysqlTokens } from './tokens.ts'
import { writtenTables } from './written-tables.ts'

/**
 * What a statement for MySQL or MariaDB does, or several in one text, as far as it tells at a glance.
 *
 * - `'read'`: it certainly writes no table.
 * - `'write'`: it writes the tables that it names as such, and perhaps others, by views, triggers and cascades.
 * - `'opaque'`: it may write anything, and the tables given. `word` is what it begins with.
 * - `'control'`: it begins or ends a transaction, or commits implicitly, which is for the bound database to do.
 */
export type MysqlStatement =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly tables: readonly string[] }
  | { readonly kind: 'opaque'; readonly tables: readonly string[]; readonly word: string }
  | { readonly kind: 'control'; readonly word: string }

const CONTROL = [
  /^(begin|start\s+(?:transaction|slave|replica)|commit|xa)\b/i,
  /^(rollback)\b(?!\s+(?:work\s+)?to\b)/i,
  /^(set\s+(?:(?:session|local|global|@@(?:(?:session|local|global)\.)?)\s*)?autocommit)\b/i,
  /^((?:create|drop)(?!\s+temporary\b)|alter|truncate|rename|grant|revoke|lock\s+tables?|unlock\s+tables?)\b/i,
  /^(analyze|optimize|repair|install|uninstall|flush|reset|cache\s+index|load\s+index)\b/i,
]
const READING = /^(?:select|show|explain|describe|desc)\b/i
/** What may write though it begins as a read. */
const DOUBTFUL = /\binto\b|\banalyze\b/i
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
  const { statements, doubtful } = mysqlTokens(sql)
  const tables = new Set<string>()
  let opaque: string | undefined = statements.length === 0 ? '' : undefined
  let writes = false
  for (const tokens of statements) {
    const text = plainText(tokens)
    const word = controlOf(text)
    if (word !== undefined) return { kind: 'control', word }
    if (!doubtful && readsOnly(text)) continue
    const written = READING.test(text) ? undefined : writtenTables(tokens)
    for (const table of written ?? []) tables.add(table)
    writes ||= written !== undefined
    if (written === undefined) opaque ??= /^\w*/.exec(text)?.[0].toUpperCase() ?? ''
  }
  if (opaque !== undefined) return { kind: 'opaque', tables: [...tables], word: opaque }
  return writes ? { kind: 'write', tables: [...tables] } : { kind: 'read' }
}

function controlOf(text: string): string | undefined {
  for (const expression of CONTROL) {
    const [, word] = expression.exec(text) ?? []
    if (word !== undefined) return word.toUpperCase()
  }
  return undefined
}

function readsOnly(text: string): boolean {
  if (!READING.test(text) || DOUBTFUL.test(text)) return false
  return [...text.matchAll(CALL)].every(([, name]) => HARMLESS.includes(name?.toLowerCase() ?? ''))
}

/** A statement without its comments and what is inside its quotes. */
function plainText(tokens: readonly MysqlToken[]): string {
  const texts = tokens.map(({ kind, value }) =>
    kind === 'name' ? `\`${value.replaceAll(/\W/g, '_')}\`` : kind === 'text' ? "''" : value,
  )
  return texts.join(' ').replaceAll(' . ', '.')
}
