import type { JournalPlace } from '../place.ts'
import claim from './claim.sql'
import down from './down.sql'
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
import up from './up.sql'

/** All that is sent to one journal. */
export interface Statements {
  readonly claim: string
  readonly drop: string
  readonly fail: string
  readonly down: string
  readonly up: string
  readonly keep: string
  readonly listed: string
  readonly parked: string
  readonly purge: string
  readonly record: string
  readonly replay: string
  readonly settle: string
  readonly status: string
}

const TEXTS: Statements = {
  claim,
  drop,
  fail,
  down,
  up,
  keep,
  listed,
  parked,
  purge,
  record,
  replay,
  settle,
  status,
}

/** The statements of a journal on PostgreSQL, without their headers. */
export function postgresStatements({ schema, name }: JournalPlace): Statements {
  const words: Readonly<Record<string, string>> = {
    journal: `${quoted(schema)}.${name}`,
    name,
    schema: quoted(schema),
    named: literal(name),
    placed: literal(schema),
    marked: literal(`${schema}.${name}`),
  }
  const filled = Object.entries(TEXTS).map(([key, text]) => [
    key,
    text
      .replace(/^(?:--[^\n]*\n)*/, '')
      .replace(/\{\{(\w+)\}\}/g, (_: string, word: string) => words[word] ?? ''),
  ])
  return Object.fromEntries(filled) as unknown as Statements
}

/** A name of the map as SQL writes it: a dot parts schema and table. */
export function quoted(name: string): string {
  return name
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.')
}

/** Text as SQL writes it, whatever the server makes of backslashes. */
export function literal(text: string): string {
  const escaped = text.replaceAll("'", "''")
  return text.includes('\\') ? `E'${escaped.replaceAll('\\', '\\\\')}'` : `'${escaped}'`
}
