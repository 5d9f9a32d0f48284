import type { Row } from '../../core/change.ts'

/** What a statement will write, as SQLite's own listing of its program says. */
export interface Effects {
  /** It takes part in the transaction as a writer. */
  readonly writes: boolean
  /** The tables whose rows it changes, through views, triggers and foreign keys too; undefined for any of them. */
  readonly tables: readonly string[] | undefined
  /** The tables and indexes that it looks at, through views too, by their places: names cost a look at the schema. */
  readonly reads: readonly Root[]
  /** It reads or writes a virtual table, whose own code decides what that means. */
  readonly virtual: boolean
  /** It runs no trigger and no action of a foreign key. */
  readonly plain: boolean
  /** It changes the schema: what is known of other statements may no longer hold. */
  readonly schema: boolean
}

/** A page that a table or an index begins at. */
export interface Root {
  readonly database: number
  readonly page: number
}

/** Gives the table that a page is the root of, as the map names it; undefined for temporary ones and SQLite's own. */
export type NameOfRoot = (database: number, root: number) => string | undefined

const SCHEMA_ROOT = 1
/** Says that the page is in a register: a table or an index that the statement itself makes. */
const ROOT_IN_REGISTER = 0x10

/** Reads the listing that EXPLAIN gives. */
export function effectsOf(listing: readonly Row[], nameOf: NameOfRoot): Effects {
  const tables = new Set<string>()
  const reads: Root[] = []
  let [writes, plain, schema, anything, virtual] = [false, true, false, false, false]
  const wrote = (database: unknown, root: unknown) => {
    if (Number(root) === SCHEMA_ROOT) schema = true
    else {
      const name = nameOf(Number(database), Number(root))
      if (name !== undefined) tables.add(name)
    }
  }
  for (const { opcode, p1, p2, p3, p5 } of listing) {
    if (opcode === 'Transaction' && Number(p2) > 0) writes = true
    else if (/^(?:OpenRead|ReopenIdx)$/.test(opcode) && (Number(p5) & ROOT_IN_REGISTER) === 0) {
      reads.push({ database: Number(p3), page: Number(p2) })
    } else if (opcode === 'VOpen') virtual = true
    else if (opcode === 'OpenWrite' && (Number(p5) & ROOT_IN_REGISTER) === 0) wrote(p3, p2)
    else if (opcode === 'Clear') wrote(p2, p1)
    else if (opcode === 'Destroy') wrote(p3, p1)
    else if (opcode === 'Program') plain = false
    // A virtual table's own code decides what it writes.
    else if (/^V(?:Update|Create|Destroy|Rename)$/.test(opcode)) anything = true
  }
  return {
    writes: writes || anything,
    tables: anything ? undefined : [...tables],
    reads,
    virtual: virtual || anything,
    plain,
    schema,
  }
}
