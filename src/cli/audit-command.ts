import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type AuditDefinition, defineAudit } from '../audit/definition.ts'
import { formatAudit } from '../audit/format-report.ts'
import type { AuditReport } from '../audit/report.ts'
import { auditDependencies } from '../audit/run-audit.ts'
import { CacheError, show } from '../core/errors.ts'
import { defaultOf, loadModule } from './load-module.ts'
import { type Command, EXIT, type Terminal } from './terminal.ts'

const NAMES = ['ts', 'mts', 'js', 'mjs', 'cjs'].map((ending) => `coherent-cache.audit.${ending}`)

const HELP = `Usage: coherent-cache audit [FILE] [options]

Runs cached loaders against a database and compares the tables that they really read with those that the map declares.

FILE is a module whose default export is what defineAudit of coherent-cache/audit returned, or a function that returns it:

  import { defineAudit } from 'coherent-cache/audit'
  import { cache, db, keys, pool, reports } from './src/app.js'

  export default defineAudit({
    cache,
    database: db,
    keys,
    loaders: {
      'daily report': {
        key: keys.dailyReport({ orgId: 7, day: '2026-11-20' }),
        load: () => reports.daily(7, '2026-11-20'),
      },
    },
    close: () => pool.end(),
  })

Without FILE it is coherent-cache.audit.ts, .mts, .js, .mjs or .cjs in this folder.

Options:
  --import MODULE  loads this first, as often as given: tsx, where Node.js does not read TypeScript
  --only NAME      audits this loader alone; may be given several times
  --json           prints the report as JSON
  --no-color       no colours; nor where NO_COLOR is set, or the output is no terminal
  -h, --help       prints this

Exit code: 0 all is declared; 1 a loader reads what is not declared, could not be seen, or failed; 2 it could not run.
`

/** `coherent-cache audit`. */
export const auditCommand: Command = {
  summary: 'finds the tables that cached loaders read and the map does not declare',
  help: HELP,
  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        import: { type: 'string', multiple: true, default: [] },
        only: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
        'no-color': { type: 'boolean', default: false },
      },
    })
    const file = fileOf(positionals, terminal)
    for (const name of values.import) await loadModule(name, terminal.cwd)
    const definition = await readDefinition(file)
    try {
      const report = await audit(definition, values.only)
      const color = terminal.color && !values['no-color']
      terminal.out(
        values.json ? `${JSON.stringify(report, plainErrors, 2)}\n` : formatAudit(report, { color }),
      )
      return report.ok ? EXIT.ok : EXIT.found
    } finally {
      await definition.close?.()
    }
  },
}

function fileOf(positionals: readonly string[], { cwd }: Terminal): string {
  const [given, ...more] = positionals
  if (more.length > 0)
    throw new CacheError('INVALID_ARGUMENT', `One file is audited, not ${positionals.length}.`)
  if (given !== undefined) {
    const file = resolve(cwd, given)
    if (existsSync(file)) return file
    throw new CacheError('INVALID_ARGUMENT', `There is no file ${file}.`)
  }
  const found = NAMES.map((name) => join(cwd, name)).find((file) => existsSync(file))
  if (found !== undefined) return found
  throw new CacheError(
    'INVALID_ARGUMENT',
    `There is no ${NAMES[0]} in ${cwd}, nor one that ends otherwise. Write one, or name a file: see coherent-cache audit --help.`,
  )
}

async function readDefinition(file: string): Promise<AuditDefinition> {
  let exported: unknown
  try {
    exported = defaultOf(await import(pathToFileURL(file).href))
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error
    throw new CacheError(
      'UNSUPPORTED',
      `This version of Node.js does not read ${file}. Install tsx, and add --import tsx.`,
      { cause: error },
    )
  }
  const definition: unknown = typeof exported === 'function' ? await exported() : exported
  if (typeof definition === 'object' && definition !== null) return defineAudit(definition as AuditDefinition)
  throw new CacheError(
    'INVALID_ARGUMENT',
    `The default export of ${file} is ${show(definition)}. Export what defineAudit({ cache, database, loaders }) returns.`,
  )
}

async function audit(definition: AuditDefinition, only: readonly string[]): Promise<AuditReport> {
  const { cache, database, keys, loaders } = definition
  const unknown = only.find((name) => !Object.hasOwn(loaders, name))
  if (unknown !== undefined) {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `--only: there is no loader ${show(unknown)}. They are ${Object.keys(loaders).map(show).join(', ')}.`,
    )
  }
  if (only.length === 0) return auditDependencies(cache, loaders, { database, keys })
  const some = Object.fromEntries(Object.entries(loaders).filter(([name]) => only.includes(name)))
  return auditDependencies(cache, some, { database })
}

/** Errors have nothing of their own that JSON would show. */
function plainErrors(_: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { name, message } = value
  return { ...value, name, message }
}
