import type { Operation, TableChange } from '../../core/change.ts'
import type { PostgresWork, StatementNote } from './observe.ts'
import type { PlainWrite } from './plain-write.ts'
import { returnedRows, toldRows } from './returned-rows.ts'
import { isAborted, type SendSql, swallowed } from './session.ts'
import type { Table, Tables } from './tables.ts'

/** A plain write whose rows may be told. */
interface Noticed {
  readonly note: StatementNote
  readonly write: PlainWrite
  readonly table: Table
}

/**
 * Issues the last statement of a transaction, and declares the writes that nobody declared.
 *
 * A statement that was understood writes the table it names, whole or by the rows it returned. The locks of the
 * transaction say what else was written, as whole tables; they are read only after a statement that was not
 * understood, or where the catalogue says that a write reaches further: through triggers, rules, cascades, partitions.
 * Rows that the user declared for a table are all of its writes, unless another table that was written reaches it.
 *
 * Then the journal, where there is one, records all of them, for whoever comes after a crash.
 *
 * Rejects with `SEAL_FAILED` in a transaction that can no longer commit.
 */
export async function sealPostgres(send: SendSql, work: PostgresWork): Promise<void> {
  // What has no id has written nothing that a crash could leave behind, and may be forbidden to write.
  let wrote = false
  const sending: SendSql = async (text, parameters) => {
    const rows = await send(text, parameters)
    if (typeof rows[0]?.xid === 'string') wrote = true
    return rows
  }
  try {
    for (const { table, operation, rows } of await findWrites(sending, work)) {
      if (operation === undefined || rows === undefined) work.unit.write(table)
      else work.unit.write(table, { operation, rows })
    }
    const settle = wrote ? await work.state.journal?.write(send, work.unit.change) : undefined
    if (settle === undefined) return
    // Queued, or without its locks: the relay is to see to it.
    work.onCommitted(({ status }) => {
      if (status === 'applied') settle()
    })
  } catch (error) {
    throw isAborted(error) ? swallowed(error) : error
  }
}

/** Rejects with `SEAL_FAILED` where a `bind` function's statement failed, and with it the transaction. */
export async function confirmPostgres(send: SendSql): Promise<void> {
  try {
    await send('SELECT 1')
  } catch (error) {
    throw isAborted(error) ? swallowed(error) : error
  }
}

async function findWrites(send: SendSql, work: PostgresWork): Promise<readonly TableChange[]> {
  const { notes, state, unit } = work
  const { tables, detectWrites } = state
  const declared = new Set(unit.writes.flatMap(({ table, rows }) => (rows === undefined ? [] : [table])))
  const understood = notes.flatMap((note) => (note.write === undefined ? [] : [{ note, write: note.write }]))
  const opaque = understood.length < notes.length && detectWrites !== 'declared'
  if (opaque || understood.length === 0) {
    const wrote = await tables.wrote(send)
    if (!wrote || detectWrites === 'declared' || (detectWrites === 'auto' && !opaque)) return []
    return fromLocks(await settledLocks(send, tables), declared, [], tables)
  }
  const named = await tables.named(
    send,
    understood.map(({ write }) => write.table),
  )
  const noticed: Noticed[] = []
  const gone: TableChange[] = []
  for (const { note, write } of understood) {
    const table = named.find(write.table)
    if (table === undefined) gone.push(whole(write))
    else noticed.push({ note, write, table })
  }
  // Without an id nothing was written: an UPDATE of no rows. A view may lead to a foreign table, which needs none.
  if (!named.wrote && gone.length === 0 && noticed.every(({ table }) => table.plain)) return []
  const further = gone.length > 0 || noticed.some(({ table, write }) => reachesFurther(table, write))
  if (detectWrites === 'locks' || (detectWrites === 'auto' && further)) {
    return [...gone, ...fromLocks(await settledLocks(send, tables), declared, noticed, tables)]
  }
  const kept = noticed.filter(({ table }) => !table.temporary)
  return [...gone, ...changesOf(kept, (name) => !declared.has(name), tables)]
}

/** What is locked once every trigger that may wait for the COMMIT has run. */
async function settledLocks(send: SendSql, tables: Tables): Promise<ReadonlyMap<string, Table>> {
  const locked = await tables.locked(send)
  if (![...locked.values()].some(({ deferred }) => deferred)) return locked
  await send('SET CONSTRAINTS ALL IMMEDIATE')
  return tables.locked(send)
}

function fromLocks(
  locked: ReadonlyMap<string, Table>,
  declared: ReadonlySet<string>,
  noticed: readonly Noticed[],
  tables: Tables,
): readonly TableChange[] {
  const everything = [...locked.values()]
  const namesOf = (oid: string) => locked.get(oid)?.names ?? []
  /** Whether a write of `table` may have changed what is called `name` besides. */
  const reaches = (table: Table, name: string) =>
    table.opaque || [...table.onDelete, ...table.onUpdate].some((oid) => namesOf(oid).includes(name))
  const kept = noticed.filter(({ table }) => !table.temporary)
  const wholly = new Set<string>()
  for (const name of everything.flatMap(({ names, temporary }) => (temporary ? [] : names))) {
    const own = kept.some(({ table }) => table.names.includes(name))
    const surprising = everything.some(
      (table) => reaches(table, name) && !(declared.has(name) && table.names.includes(name)),
    )
    if (surprising || !(own || declared.has(name))) wholly.add(name)
  }
  const told = changesOf(kept, (name) => !declared.has(name), tables)
  return [...[...wholly].map((table) => ({ table })), ...told.filter(({ table }) => !wholly.has(table))]
}

/** What plain writes come to: their rows where all of a table's are certain, else the table where that is needed. */
function changesOf(
  noticed: readonly Noticed[],
  needed: (name: string) => boolean,
  tables: Tables,
): readonly TableChange[] {
  const changes = new Map<string, TableChange[] | 'whole'>()
  for (const { note, write, table } of noticed) {
    const rows = note.told ? toldRows(write, note.told, table) : returnedRows(write, note.rows, table)
    // Whole rows that do not fit: the table has other columns than were learned.
    if (rows === undefined && write.returning === 'all' && typeof note.rows?.[0] === 'object') {
      tables.forget(table.oid)
    }
    for (const name of table.names) {
      const before = changes.get(name) ?? []
      if (rows === undefined || table.names.length > 1) {
        if (needed(name)) changes.set(name, 'whole')
      } else if (before !== 'whole' && rows.length > 0) {
        changes.set(name, [...before, { table: name, operation: write.operation, rows }])
      }
    }
  }
  return [...changes].flatMap(([table, found]) => (found === 'whole' ? [{ table }] : found))
}

/** Bits of `pg_trigger.tgtype`. */
const FIRED_BY: Readonly<Record<Operation, number>> = {
  insert: 4,
  delete: 8,
  update: 16,
  upsert: 4 + 16,
  truncate: 32,
}

/** Whether a write may change more than the table that the statement names. */
function reachesFurther({ firesOn, onDelete, onUpdate, plain }: Table, { operation }: PlainWrite): boolean {
  if (!plain || firesOn === undefined) return true
  if (operation === undefined ? firesOn !== 0 : (firesOn & FIRED_BY[operation]) !== 0) return true
  const deletes = operation === 'delete' || operation === undefined
  const updates = operation === 'update' || operation === 'upsert' || operation === undefined
  return (deletes && onDelete.length > 0) || (updates && onUpdate.length > 0)
}

/** A table that has gone since. */
function whole({ table: { schema, name } }: PlainWrite): TableChange {
  return { table: schema === undefined ? name : `${schema}.${name}` }
}
