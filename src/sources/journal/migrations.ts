import { CacheError, show } from '../../core/errors.ts'

/** Tools whose migrations can be written: `'sql'` is one file each for up and down. */
export type MigrationTool = 'sql' | 'node-pg-migrate' | 'knex' | 'prisma'

/** A file to be put into a project's folder of migrations. */
export interface MigrationFile {
  /** Its path below that folder. */
  readonly path: string
  readonly text: string
}

interface Migration {
  readonly up: string
  readonly down: string
  readonly name: string
  /** What orders it among others. */
  readonly id: string | undefined
}

const WRITERS: Readonly<Record<MigrationTool, (migration: Migration) => readonly MigrationFile[]>> = {
  sql: ({ up, down, name, id }) => [
    { path: `${stem(id, name)}.up.sql`, text: up },
    { path: `${stem(id, name)}.down.sql`, text: down },
  ],
  'node-pg-migrate': ({ up, down, name, id }) => [
    { path: `${stem(id ?? stamp(), name)}.sql`, text: `-- Up Migration\n${up}\n-- Down Migration\n${down}` },
  ],
  // An ES module, as both kinds of project load it by this ending.
  knex: ({ up, down, name, id }) => [
    {
      path: `${stem(id ?? stamp(), name)}.mjs`,
      text: `export const up = (knex) => knex.raw(${asText(up)})\n\nexport const down = (knex) => knex.raw(${asText(down)})\n`,
    },
  ],
  // Prisma has no way down but by hand.
  prisma: ({ up, down, name, id }) => [
    { path: `${stem(id ?? stamp(), name)}/migration.sql`, text: up },
    { path: `${stem(id ?? stamp(), name)}/down.sql`, text: down },
  ],
}

/** @throws CacheError `INVALID_ARGUMENT` for a tool that is none of these */
export function migrationFiles(tool: MigrationTool, migration: Migration): readonly MigrationFile[] {
  if (!Object.hasOwn(WRITERS, tool)) {
    throw new CacheError(
      'INVALID_ARGUMENT',
      `migrations: ${show(tool)} is none of ${Object.keys(WRITERS).join(', ')}. Any other tool can run journal.up and journal.down.`,
    )
  }
  const id = migration.id
  if (id !== undefined && !/^[\w-]+$/.test(id))
    throw new CacheError(
      'INVALID_ARGUMENT',
      `migrations: id: ${show(id)} is not made of letters, digits, - and _.`,
    )
  return WRITERS[tool](migration)
}

function stem(id: string | undefined, name: string): string {
  return id === undefined ? name : `${id}_${name}`
}

/** The moment, as these tools number their migrations. */
function stamp(): string {
  return new Date().toISOString().replace(/\D/g, '').slice(0, 14)
}

/** Text as a literal of JavaScript that keeps its lines. Knex takes a question mark for a parameter. */
function asText(sql: string): string {
  const escaped = sql.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')
  return `\`${escaped.replaceAll('?', '\\\\?')}\``
}
