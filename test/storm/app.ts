import { type Dependencies, defineDependencies, defineKeys, type } from 'coherent-cache'

/** The versions that a value shows, flat: row, version, nonce of the write, and so on. Rows are numbered over all tables. */
export type Versions = readonly number[]

/** The application that every process of a storm runs: single rows, lists over a group, and values made of others. */
export const keys = defineKeys({
  item: { key: 'item:{id}', value: type<Versions>() },
  group: { key: 'group:{groupId}:{view}', value: type<Versions>() },
  part: { key: 'part:{id}', value: type<Versions>() },
  bundle: { key: 'bundle:{bundleId}', value: type<Versions>() },
  shelf: { key: 'shelf:{shelf}', value: type<Versions>() },
})

/** Two releases: the newer one also keeps lists of items by shelf, of which the older one knows nothing. */
export const maps = {
  old: defineDependencies({
    tables: {
      items: { invalidates: ['item:{id}'], stable: ['id'] },
      stocks: { invalidates: ['group:{groupId}:*'], stable: ['group_id'] },
      parts: { invalidates: ['part:{id}', 'bundle:{bundleId}'], stable: ['id', 'bundle_id'] },
      slow_commits: [],
    },
  }) as unknown as Dependencies,
  new: defineDependencies({
    tables: {
      items: { invalidates: ['item:{id}', 'shelf:{shelf}'], stable: ['id', 'shelf'] },
      stocks: { invalidates: ['group:{groupId}:{view}'], stable: ['group_id'] },
      parts: { invalidates: ['part:{id}', 'bundle:{bundleId}'], stable: ['id', 'bundle_id'] },
      slow_commits: [],
    },
  }) as unknown as Dependencies,
} as const

export type MapName = keyof typeof maps
export type Table = 'items' | 'stocks' | 'parts'

const GROUP_SIZE = 3
const BUNDLE_SIZE = 2
const SHELF_SIZE = 8

/** One key, and what its value shows. */
export interface CachedKey {
  readonly key: string
  readonly table: Table
  /** A part of a query: what of the table the value shows. */
  readonly where: string
  readonly id: number
  readonly rows: readonly number[]
  /** The keys that its loader reads through the cache, if it is made of others. */
  readonly parts: readonly string[]
  /** Whether only the newer release has it. */
  readonly fresh: boolean
}

/** One row: its number, its table, its id there. */
export interface StoredRow {
  readonly row: number
  readonly table: Table
  readonly id: number
}

/** All keys and rows of a storm over so many items. The same in every process. */
export class Shop {
  readonly rows: readonly StoredRow[]
  readonly keys: readonly CachedKey[]
  readonly byKey: ReadonlyMap<string, number>
  readonly #keysOf: readonly (readonly number[])[]
  readonly items: number
  readonly groups: number
  readonly bundles: number

  constructor(items: number) {
    this.items = items
    this.groups = Math.ceil(items / 8)
    this.bundles = Math.ceil(items / 8)
    this.rows = [
      ...numbered('items', 0, items),
      ...numbered('stocks', items, this.groups * GROUP_SIZE),
      ...numbered('parts', items + this.groups * GROUP_SIZE, this.bundles * BUNDLE_SIZE),
    ]
    this.keys = [
      ...range(items).map((at) => this.#key(keys.item({ id: at + 1 }), 'items', 'id', at + 1, [at])),
      ...range(this.groups).flatMap((group) =>
        ['list', 'total'].map((view) =>
          this.#key(
            keys.group({ groupId: group + 1, view }),
            'stocks',
            'group_id',
            group + 1,
            range(GROUP_SIZE).map((at) => items + group * GROUP_SIZE + at),
          ),
        ),
      ),
      ...range(this.bundles * BUNDLE_SIZE).map((at) =>
        this.#key(keys.part({ id: at + 1 }), 'parts', 'id', at + 1, [this.#part(at)]),
      ),
      ...range(this.bundles).map((bundle) => {
        const parts = range(BUNDLE_SIZE).map((at) => bundle * BUNDLE_SIZE + at)
        const rows = parts.map((at) => this.#part(at))
        const key = this.#key(keys.bundle({ bundleId: bundle + 1 }), 'parts', 'bundle_id', bundle + 1, rows)
        return { ...key, parts: parts.map((at) => keys.part({ id: at + 1 })) }
      }),
      ...range(Math.ceil(items / SHELF_SIZE)).map((shelf) => {
        const rows = range(items).filter((at) => Math.floor(at / SHELF_SIZE) === shelf)
        return {
          ...this.#key(keys.shelf({ shelf: shelf + 1 }), 'items', 'shelf', shelf + 1, rows),
          fresh: true,
        }
      }),
    ]
    this.byKey = new Map(this.keys.map(({ key }, at) => [key, at]))
    const keysOf = this.rows.map((): number[] => [])
    for (const [at, { rows }] of this.keys.entries()) for (const row of rows) keysOf[row]?.push(at)
    this.#keysOf = keysOf
  }

  /** Which keys show a row, by their place in {@link keys}. */
  keysOf(row: number): readonly number[] {
    return this.#keysOf[row] ?? []
  }

  /** Makes the tables. A COMMIT after an insert into `slow_commits` takes as long as it says. */
  schema(): string {
    const columns = 'row int NOT NULL, version int NOT NULL DEFAULT 0, nonce int NOT NULL DEFAULT 0, prev int'
    const insert = (table: Table, extra: string, values: string) => `
      CREATE TABLE ${table} (id int PRIMARY KEY${extra}, ${columns});
      INSERT INTO ${table} SELECT n, ${values} FROM generate_series(1, ${this.rows.filter((one) => one.table === table).length}) n;`
    const parts = this.items + this.groups * GROUP_SIZE
    return `
      ${insert('items', ', shelf int NOT NULL', `(n - 1) / ${SHELF_SIZE} + 1, n - 1`)}
      ${insert('stocks', ', group_id int NOT NULL', `(n - 1) / ${GROUP_SIZE} + 1, ${this.items} + n - 1`)}
      ${insert('parts', ', bundle_id int NOT NULL', `(n - 1) / ${BUNDLE_SIZE} + 1, ${parts} + n - 1`)}
      CREATE TABLE slow_commits (ms int NOT NULL);
      CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(NEW.ms / 1000.0); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER takes_time AFTER INSERT ON slow_commits
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION take_time();`
  }

  #part(at: number): number {
    return this.items + this.groups * GROUP_SIZE + at
  }

  #key(key: string, table: Table, where: string, id: number, rows: readonly number[]): CachedKey {
    return { key, table, where, id, rows, parts: [], fresh: false }
  }
}

/** The statement that gives a row its next version, by a write that can be told from any other. */
export function updateOf({ table }: StoredRow): string {
  return `UPDATE ${table} SET version = version + 1, prev = nonce, nonce = $2 WHERE id = $1 RETURNING *`
}

/** The statement that loads what a key shows. */
export function selectOf({ table, where }: CachedKey): string {
  return `SELECT row, version, nonce FROM ${table} WHERE ${where} = $1 ORDER BY row`
}

function numbered(table: Table, from: number, count: number): StoredRow[] {
  return range(count).map((at) => ({ row: from + at, table, id: at + 1 }))
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at)
}
