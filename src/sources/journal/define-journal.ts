import { systemClock } from '../../core/clock.ts'
import type { Dependencies } from '../../core/dependencies.ts'
import { type Duration, milliseconds } from '../../core/duration.ts'
import { CacheError, show } from '../../core/errors.ts'
import type { Journal, JournalDialect, JournalSend, OpenJournal } from '../../core/journal.ts'
import { checkChoice, checkOptions } from '../../core/options.ts'
import { checkExpected } from './expected.ts'
import { type JournalClient, reach } from './journal-client.ts'
import { type MigrationFile, type MigrationTool, migrationFiles } from './migrations.ts'
import {
  EVENTS,
  mysqlStatements,
  placed,
  quotedName,
  triggerName,
  withParameters,
} from './mysql/statements.ts'
import { partsOf, watchTable } from './mysql/triggers.ts'
import type { JournalPlace } from './place.ts'
import { literal, postgresStatements, quoted, type Statements } from './postgresql/statements.ts'
import type { Reached } from './reached.ts'
import { bindingColumns, readRecord, type Void, writeRecord } from './record.ts'
import { ADVICE_FOR_ENSURE, explained } from './trouble.ts'
import { JournalWriter } from './writer.ts'

/** How a journal is set up. Every process that writes it, and every relay, has the same options. */
export interface JournalOptions {
  /** The map, as the cache has it. */
  readonly dependencies: Dependencies
  /** `'mysql'` for MySQL, from 8.0 on, and MariaDB, from 10.6 on. @default 'postgresql' */
  readonly dialect?: JournalDialect | undefined
  /** The schema that its table lies in, which must be there; on MySQL a database. @default 'public'; on MySQL that of the connection */
  readonly schema?: string | undefined
  /** The table's name, which begins with `coherent_cache_journal`: one for each namespace. @default 'coherent_cache_journal' */
  readonly name?: string | undefined
  /**
   * The tables whose writes by any client are recorded, by triggers: those named, or all that the map names as tables. A
   * transaction of a bound database has them leave it alone, unless it has `detectWrites: 'declared'`. A name that is no
   * table of the map is refused. @default false
   */
  readonly triggers?: boolean | readonly string[] | undefined
  /**
   * Further columns to record, by table: those that other maps of the namespace bind by; and of a table with a `bind`
   * function those that it looks at, which triggers then hand it as JSON writes them. Without, rows of such a table are not
   * recorded, and it counts as changed in whole. `ensure` refuses columns that are not there. @default none
   */
  readonly columns?: Readonly<Record<string, readonly string[]>> | undefined
  /** How long a relay leaves a transaction to the process that made it. @default '1s' */
  readonly grace?: Duration | undefined
  /** How long what has been applied is kept, for people to look at. @default 0: not at all */
  readonly retention?: Duration | undefined
  /**
   * Has triggers wake relays with `listen` by NOTIFY, at the end of each transaction that writes, on PostgreSQL. Busy writers
   * wait for one another there: measure. @default false
   */
  readonly notify?: boolean | undefined
}

/** A journal in the database. Made by {@link defineJournal}. */
export interface DefinedJournal extends Journal {
  /** The SQL that makes the journal and its triggers, as often as it is run; on MySQL its table alone. */
  readonly up: string
  /** The SQL that takes both out. Records that nobody has applied are lost. */
  readonly down: string
  /**
   * Makes the journal and its triggers, or brings them up to date: harmless where all is there, and when several processes
   * do so at once. Its user owns the table and has to be allowed to make triggers.
   *
   * Rejects with `INVALID_OPTION` where `triggers` or `columns` name what is not in the database, and with
   * `JOURNAL_FAILED` for what the database says, which is its `cause`. On PostgreSQL nothing is changed then.
   */
  ensure(client: JournalClient): Promise<void>
  /** The same as files of a migration tool. */
  migrations(tool: MigrationTool, options?: { readonly id?: string | undefined }): readonly MigrationFile[]
  /** Settles at once what bound databases of this process have applied, which otherwise takes some milliseconds. */
  flush(): Promise<void>
  /** What a relay works with. */
  readonly inside: JournalInside
}

/** What a relay needs to know of its journal. */
export interface JournalInside extends JournalPlace {
  readonly statements: Omit<Statements, 'up' | 'down'>
  readonly retentionMs: number
  /** Whether triggers notify. */
  readonly notify: boolean
  /** What a record makes void. @throws CacheError `INVALID_ARGUMENT` */
  read(text: string): Void
}

const DIALECTS: readonly JournalDialect[] = ['postgresql', 'mysql']
const OPTIONS = [
  'dependencies',
  'dialect',
  'schema',
  'name',
  'triggers',
  'columns',
  'grace',
  'retention',
  'notify',
]
const NAME = /^coherent_cache_journal[a-z0-9_]{0,18}$/

/** @throws CacheError `INVALID_OPTION` or `INVALID_DURATION` */
export function makeJournal(options: JournalOptions): DefinedJournal {
  const what = 'defineJournal'
  checkOptions(options, OPTIONS, what)
  const { dependencies, name = 'coherent_cache_journal', columns = {} } = options
  const dialect = checkChoice(options.dialect ?? 'postgresql', DIALECTS, `${what}: dialect`)
  const { schema = dialect === 'mysql' ? '' : 'public' } = options
  if (!(dependencies?.tables instanceof Object) || typeof dependencies.tables.keys !== 'function')
    throw new CacheError('INVALID_OPTION', `${what}: dependencies: pass what defineDependencies gave.`)
  if (typeof schema !== 'string' || (schema === '' && dialect !== 'mysql') || schema.includes('.'))
    throw new CacheError('INVALID_OPTION', `${what}: schema: ${show(schema)} is no schema's name.`)
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: name: ${show(name)}: a journal's name begins with coherent_cache_journal and goes on with up to 18 of a-z, 0-9 and _.`,
    )
  }
  const graceMs = milliseconds(options.grace ?? '1s', `${what}: grace`)
  const retentionMs = milliseconds(options.retention ?? 0, `${what}: retention`)
  const watched = watchedTables(dependencies, options.triggers ?? false, what)
  const place = { schema, name }
  checkColumns(columns, dependencies, what)
  const notify = checkChoice(options.notify ?? false, [true, false], `${what}: notify`)
  if (notify && (dialect === 'mysql' || watched.length === 0)) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: notify: ${dialect === 'mysql' ? 'MySQL and MariaDB have no notifications; leave it out' : 'it is triggers that notify; choose some with triggers'}.`,
    )
  }
  const expected = new Map<string, readonly string[]>(watched.map((table) => [table, []]))
  for (const [table, names] of Object.entries(columns)) expected.set(table, names)
  const columnsOf = (table: string) => {
    const isFunction = typeof dependencies.tables.get(table)?.bind === 'function'
    return isFunction ? [] : [...new Set([...bindingColumns(dependencies, table), ...(columns[table] ?? [])])]
  }
  const isTyped = (table: string) =>
    typeof dependencies.tables.get(table)?.bind === 'function' && columns[table] !== undefined
  const { statements, up, down, mark, ensure } =
    dialect === 'mysql'
      ? onMysql(place, watched, columnsOf)
      : onPostgres(place, watched, {
          columnsOf: (table) => (isTyped(table) ? (columns[table] ?? []) : columnsOf(table)),
          isTyped,
          notify,
        })
  const settle = retentionMs > 0 ? statements.keep : statements.settle
  const writers: JournalWriter[] = []
  return {
    dialect,
    up,
    down,
    inside: { ...place, statements, retentionMs, notify, read: (text) => readRecord(text, dependencies) },
    open(ask): OpenJournal {
      const writer = new JournalWriter({
        clock: systemClock,
        mark,
        textOf: (change) => writeRecord(change, columnsOf),
        record: async (send: JournalSend, text) => {
          const parameters = [text, String(graceMs)]
          const [row] =
            dialect === 'mysql'
              ? await send(withParameters(statements.record, parameters), [])
              : await send(statements.record, parameters)
          return String(row?.id)
        },
        settle: (ids) =>
          dialect === 'mysql' ? withParameters(settle, [ids.join(',')]) : settling(settle, ids),
        ask,
      })
      writers.push(writer)
      return writer
    },
    async ensure(client) {
      const reached = reach(client, dialect, 'ensure')
      const explaining = explained(reached, 'journal.ensure', place, ADVICE_FOR_ENSURE)
      await checkExpected(expected, async (table) => {
        const asked = dialect === 'mysql' ? partsOf(table) : [quoted(table)]
        return (await explaining.send(statements.listed, asked)).map((row) => String(row.name))
      })
      await ensure(explaining)
    },
    migrations: (tool, { id } = {}) => migrationFiles(tool, { up, down, name, id }),
    flush: async () => {
      await Promise.all(writers.map((writer) => writer.flush()))
    },
  }
}

/** What a journal is made of, where it lies. */
interface Made {
  readonly statements: Omit<Statements, 'up' | 'down'>
  readonly up: string
  readonly down: string
  readonly mark: string | undefined
  readonly ensure: (client: Reached) => Promise<void>
}

function onPostgres(
  { schema, name }: JournalPlace,
  watched: readonly string[],
  {
    columnsOf,
    isTyped,
    notify,
  }: {
    readonly columnsOf: (table: string) => readonly string[]
    readonly isTyped: (table: string) => boolean
    readonly notify: boolean
  },
): Made {
  const statements = postgresStatements({ schema, name })
  const watch = watched.map((table) => {
    const array = `ARRAY[${columnsOf(table).map(literal).join(', ')}]::text[]`
    return `SELECT ${quoted(schema)}.${name}_watch(${literal(quoted(table))}::regclass, ${literal(table)}, ${array}, ${isTyped(table)}, ${notify});`
  })
  const up = [statements.up.trim(), ...watch, ''].join('\n')
  const place = literal(`${schema}.${name}`)
  return {
    statements,
    up,
    down: statements.down,
    mark: watched.length === 0 ? undefined : `SET LOCAL coherent_cache.bound = ${place}`,
    // One at a time: what IF NOT EXISTS promises does not hold for two at once.
    ensure: (client) => client.run(`SELECT pg_advisory_xact_lock(hashtext(${place}));\n${up}`),
  }
}

function onMysql(
  place: JournalPlace,
  watched: readonly string[],
  columnsOf: (table: string) => readonly string[],
): Made {
  const statements = mysqlStatements(place)
  const drops = watched.flatMap((table) =>
    EVENTS.map((event) => `DROP TRIGGER IF EXISTS ${quotedName(triggerName(place, table, event))};`),
  )
  return {
    statements,
    up: `${statements.up};\n`,
    // Without the table, its triggers would make every write fail.
    down: [...drops, `DROP TABLE IF EXISTS ${placed(place)};`, ''].join('\n'),
    // Triggers find what these servers do not tell of: they stay on in bound transactions too.
    mark: undefined,
    async ensure(client) {
      await client.run(statements.up)
      for (const table of watched)
        await watchTable(client.send, statements.columns, place, table, columnsOf(table))
    },
  }
}

/** The statement that settles records, with their ids in its text: not every client takes parameters there. */
function settling(statement: string, ids: readonly string[]): string {
  return statement.replaceAll('$1', `'${ids.filter((id) => /^\d+$/.test(id)).join(',')}'`)
}

/** @throws CacheError `INVALID_OPTION` */
function checkColumns(columns: unknown, { tables, views }: Dependencies, what: string): void {
  const given: [string, unknown][] =
    typeof columns === 'object' && columns !== null ? Object.entries(columns) : [['', columns]]
  for (const [table, names] of given) {
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string' && name !== '')) {
      throw new CacheError(
        'INVALID_OPTION',
        `${what}: columns: ${show(names)} is no list of columns. Pass { ${table || 'table'}: ['column'] }.`,
      )
    }
    checkTable(table, { tables, views }, `${what}: columns`)
  }
}

/** @throws CacheError `INVALID_OPTION` for what is no table of the map */
function checkTable(
  table: string,
  { tables, views }: Pick<Dependencies, 'tables' | 'views'>,
  what: string,
): void {
  if (views.has(table)) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}: ${show(table)} is a view of the map. Name the tables that it reads.`,
    )
  }
  if (tables.has(table)) return
  throw new CacheError(
    'INVALID_OPTION',
    `${what}: ${show(table)} is no table of the map. Its tables are ${[...tables.keys()].join(', ')}; declare it there, with an empty list if nothing hangs on it.`,
  )
}

function watchedTables(
  dependencies: Dependencies,
  triggers: boolean | readonly string[],
  what: string,
): readonly string[] {
  if (triggers === false) return []
  if (triggers === true)
    return [...dependencies.tables.keys()].filter((name) => !dependencies.views.has(name))
  if (!Array.isArray(triggers) || !triggers.every((name) => typeof name === 'string' && name !== ''))
    throw new CacheError('INVALID_OPTION', `${what}: triggers: ${show(triggers)} is no list of tables.`)
  const named: readonly string[] = triggers
  for (const table of named) checkTable(table, dependencies, `${what}: triggers`)
  return [...new Set(named)]
}
