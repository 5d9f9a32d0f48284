import { createHash } from 'node:crypto'
import type { JournalPlace } from '../place.ts'
import type { Statements } from '../postgresql/statements.ts'
import claim from './claim.sql'
import columns from './columns.sql'
import drop from './drop.sql'
import fail from './fail.sql'
import keep from './keep.sql'
import listed from './listed.sql'
import parked from './parked.sql'
import purge from './purge.sql'
import record from './record.sql'
import replay from './replay.sql'
import settle from './settle.sql'
import status from './status.sql'
import table from './table.sql'

const TEXTS = {
  ...{ claim, columns, drop, fail, keep, listed, parked, purge, record },
  ...{ replay, settle, status, up: table },
}

/** All that is sent to one journal on MySQL or MariaDB, `columns` besides. */
export type MysqlStatements = Omit<Statements, 'down'> & { readonly columns: string }

/** The statements of a journal, without their headers. */
export function mysqlStatements(place: JournalPlace): MysqlStatements {
  const journal = placed(place)
  const filled = Object.entries(TEXTS).map(([key, text]) => [
    key,
    text
      .replace(/^(?:--[^\n]*\n)*/, '')
      .replaceAll('{{journal}}', journal)
      .trim(),
  ])
  return Object.fromEntries(filled) as MysqlStatements
}

/** The journal's table, as SQL writes it. */
export function placed({ schema, name }: JournalPlace): string {
  return schema === '' ? quotedName(name) : `${quotedName(schema)}.${quotedName(name)}`
}

/**
 * A statement with its parameters in it: `$1` is text, `$1::number` a number, `$1::ids` ids between commas. Text is written
 * in hexadecimal, which no mode of the server reads otherwise.
 */
export function withParameters(text: string, parameters: readonly string[]): string {
  return text.replace(/\$(\d)(?:::(number|ids))?/g, (_, at: string, kind: string | undefined) => {
    const value = parameters[Number(at) - 1] ?? ''
    if (kind === 'number') return String(Number.isFinite(Number(value)) ? Math.round(Number(value)) : 0)
    if (kind === 'ids') return /^\d+(?:,\d+)*$/.test(value) ? value : '0'
    return textLiteral(value)
  })
}

export function textLiteral(value: string): string {
  return value === '' ? "''" : `CONVERT(X'${Buffer.from(value, 'utf8').toString('hex')}' USING utf8mb4)`
}

/** A name, or one with its database before a dot, as SQL writes it. */
export function quotedName(name: string): string {
  return name
    .split('.')
    .map((part) => `\`${part.replaceAll('`', '``')}\``)
    .join('.')
}

export const EVENTS = ['insert', 'update', 'delete'] as const

/** The name of a table's trigger, with its database where the table has one. */
export function triggerName({ name }: JournalPlace, table: string, event: string): string {
  const hash = createHash('sha256').update(table).digest('hex').slice(0, 12)
  const database = table.includes('.') ? `${table.slice(0, table.indexOf('.'))}.` : ''
  return `${database}${name}_${hash}_${event}`
}

/** What a table's trigger does at each row: records what it was and what it became. */
export function triggerBody(
  place: JournalPlace,
  table: string,
  event: (typeof EVENTS)[number],
  columns: readonly string[],
): string {
  const head = `{"v":1,"tables":[{"table":${JSON.stringify(table)},"operation":"${event}"`
  const image = (row: 'OLD' | 'NEW') => {
    const pairs = columns.map(
      (column) => `${textLiteral(column)}, CAST(${row}.${quotedName(column)} AS CHAR CHARACTER SET utf8mb4)`,
    )
    return `JSON_OBJECT(${pairs.join(', ')})`
  }
  const images =
    event === 'update' ? `${image('OLD')}, ',', ${image('NEW')}` : image(event === 'insert' ? 'NEW' : 'OLD')
  const change =
    columns.length === 0
      ? textLiteral(`${head}}]}`)
      : `CONCAT(${textLiteral(`${head},"typed":false,"images":[`)}, ${images}, ']}]}')`
  return `INSERT INTO ${placed(place)} (source, \`change\`, written_at, due_at) VALUES ('trigger', ${change}, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))`
}
