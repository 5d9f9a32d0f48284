import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CacheError } from '../core/errors.ts'
import { type CatalogueView, viewsOfPostgres } from '../databases/postgres/views.ts'
import { SqliteConnection } from '../databases/sqlite/connection.ts'
import { openPostgres, openSqlite } from './open-database.ts'
import { type Command, EXIT } from './terminal.ts'

const HELP = `Usage: coherent-cache views --database-url URL
       coherent-cache views --sqlite FILE

Prints the views object of the map, filled from the catalogue: each view with the tables and views that it reads.

Options:
  --database-url URL  of a PostgreSQL, such as postgres://user@host/name; the package pg is used, as it is installed here.
                      Log in as the application does: names are without their schema where that is on the search path.
                      Default: the variable DATABASE_URL
  --sqlite FILE       a SQLite file; better-sqlite3 is used where it is installed here, else node:sqlite
  --only NAME         this view alone, and those it reads; may be given several times
  --json              prints { name: [tables] } as JSON
  -h, --help          prints this

Exit code: 0, or 2 where it could not run.
`
const WIDEST = 110

/** `coherent-cache views`. */
export const viewsCommand: Command = {
  summary: 'prints the views object of the map, from the catalogue of a database',
  help: HELP,
  async run(args, terminal) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'database-url': { type: 'string' },
        sqlite: { type: 'string' },
        only: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
      },
    })
    const { sqlite, 'database-url': given } = values
    if (sqlite !== undefined && given !== undefined) {
      throw new CacheError('INVALID_ARGUMENT', 'Name one database: --database-url or --sqlite.')
    }
    const url = given ?? terminal.env.DATABASE_URL
    if (sqlite === undefined && url === undefined) {
      throw new CacheError('INVALID_ARGUMENT', 'Name a database: --database-url URL or --sqlite FILE.')
    }
    const all =
      sqlite === undefined
        ? await ofPostgres(String(url), terminal.cwd)
        : await ofSqlite(resolve(terminal.cwd, sqlite), terminal.cwd)
    const chosen = choose(all, values.only)
    terminal.out(values.json ? asJson(chosen) : asCode(chosen))
    return EXIT.ok
  },
}

async function ofPostgres(url: string, cwd: string): Promise<readonly CatalogueView[]> {
  const { send, close } = await openPostgres(url, cwd)
  try {
    return await viewsOfPostgres(send)
  } finally {
    await close()
  }
}

async function ofSqlite(file: string, cwd: string): Promise<readonly CatalogueView[]> {
  const client = await openSqlite(file, cwd)
  try {
    const views = new SqliteConnection(client).views()
    return views.map(({ name, tables }) => ({ name, bases: [...tables].sort(), materialized: false }))
  } finally {
    client.close()
  }
}

/** Those that are named, and the views under them. */
function choose(all: readonly CatalogueView[], only: readonly string[]): readonly CatalogueView[] {
  if (only.length === 0) return all
  const chosen = new Set<CatalogueView>()
  const visit = (name: string): boolean => {
    const view = all.find((one) => one.name === name)
    if (view === undefined) return false
    if (!chosen.has(view)) {
      chosen.add(view)
      for (const base of view.bases) visit(base)
    }
    return true
  }
  for (const name of only) {
    if (visit(name)) continue
    const known = all.map((view) => view.name).join(', ') || 'none'
    throw new CacheError('INVALID_ARGUMENT', `--only: there is no view ${name}. The views are ${known}.`)
  }
  return all.filter((view) => chosen.has(view))
}

function asJson(views: readonly CatalogueView[]): string {
  const plain = views.filter(({ materialized }) => !materialized)
  return `${JSON.stringify(Object.fromEntries(plain.map(({ name, bases }) => [name, bases])), null, 2)}\n`
}

/** What goes into `defineDependencies`. A materialised view is a table to it; a view of no tables is nothing. */
function asCode(views: readonly CatalogueView[]): string {
  const materialized = views.filter((view) => view.materialized).map(({ name }) => name)
  const plain = views.filter((view) => !view.materialized && view.bases.length > 0)
  const names = new Set(plain.map(({ name }) => name))
  const tables = [...new Set(plain.flatMap(({ bases }) => bases))].filter((name) => !names.has(name)).sort()
  const lines = plain.map(({ name, bases }) => `  ${named(name)}: [${bases.map(quoted).join(', ')}],`)
  return [
    ...(lines.length === 0 ? ['// There are no views.'] : ['views: {', ...lines.flatMap(broken), '},']),
    ...comment('Each of these has to stand under tables too, with [] where nothing hangs on it:', tables),
    ...comment(
      'Materialised views change when they are refreshed: they are tables of their own:',
      materialized,
    ),
    '',
  ].join('\n')
}

/** A line that is too long, in several. */
function broken(line: string): readonly string[] {
  if (line.length <= WIDEST) return [line]
  const [head = '', rest = ''] = line.split('[', 2)
  return [
    `${head}[`,
    ...rest
      .slice(0, -2)
      .split(', ')
      .map((base) => `    ${base},`),
    '  ],',
  ]
}

function comment(text: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return []
  const lines = [`// ${text}`]
  let line = '//  '
  for (const [at, name] of names.entries()) {
    const next = ` ${name}${at === names.length - 1 ? '' : ','}`
    if (line.length + next.length > WIDEST) {
      lines.push(line)
      line = '//  '
    }
    line += next
  }
  return [...lines, line]
}

function named(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}

function quoted(name: string): string {
  return `'${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
