import { CacheError } from '../../core/errors.ts'
import { parseLsn } from './frames.ts'
import { literal, type ReplicationClient } from './replication-client.ts'

/** @throws CacheError `INVALID_OPTION` where the database has no such publication, or one that leaves out changes */
export async function checkPublication(client: ReplicationClient, publication: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate AS everything, pubviaroot FROM pg_publication WHERE pubname = ${literal(publication)}`,
  )
  const [found] = rows
  if (found === undefined) {
    throw new CacheError(
      'INVALID_OPTION',
      `createCdcSource: the database has no publication ${publication}. Make it in a migration: cdcMigration({ tables: […] }) says how.`,
    )
  }
  if (isTrue(found.everything) && isTrue(found.pubviaroot)) return
  throw new CacheError(
    'INVALID_OPTION',
    `createCdcSource: the publication ${publication} leaves out changes, or names partitions that no map knows. ALTER PUBLICATION ${publication} SET (publish = 'insert, update, delete, truncate', publish_via_partition_root = true).`,
  )
}

function isTrue(value: unknown): boolean {
  return value === true || value === 't'
}

/**
 * Makes sure that there is a slot from which nothing is missing. Where there is none, or it has lost its place, nobody
 * knows what was written meanwhile: everything is made void. The slot gets its name only after that, so that whoever
 * finds it finds nothing missing, wherever this process is ended. @returns how far it has been applied
 */
export async function ensureSlot(
  client: ReplicationClient,
  slot: string,
  clear: () => Promise<void>,
): Promise<bigint> {
  const name = literal(slot)
  const found = `SELECT confirmed_flush_lsn::text AS lsn, plugin, wal_status, active FROM pg_replication_slots WHERE slot_name = ${name}`
  const [known] = (await client.query(found)).rows
  if (known !== undefined && known.wal_status !== 'lost') {
    if (known.plugin === 'pgoutput') return parseLsn(known.lsn)
    throw new CacheError(
      'INVALID_OPTION',
      `createCdcSource: the slot ${slot} is one of the plugin ${String(known.plugin)}. Name another slot.`,
    )
  }
  if (known !== undefined) await client.query(`SELECT pg_drop_replication_slot(${name})`)
  // Until the connection ends; no other process has this name, which ends with the server process's own number.
  const { rows } = await client.query('SELECT pg_backend_pid()::text AS pid')
  const temporary = literal(`${slot.slice(0, 45)}_new_${String(rows[0]?.pid)}`)
  await client.query(`SELECT pg_create_logical_replication_slot(${temporary}, 'pgoutput', true)`)
  await clear()
  await client.query(`SELECT pg_copy_logical_replication_slot(${temporary}, ${name}, false)`)
  await client.query(`SELECT pg_drop_replication_slot(${temporary})`)
  const [made] = (await client.query(found)).rows
  return parseLsn(made?.lsn)
}
