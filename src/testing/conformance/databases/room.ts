import assert from 'node:assert/strict'
import type { Cache } from '../../../core/cache.ts'
import { defineDependencies } from '../../../core/dependencies.ts'
import type {
  BoundUnderTest,
  DatabaseUnderTest,
  NetworkUnderTest,
  TransactionUnderTest,
} from './database-under-test.ts'

/** A transaction's handle, whatever the client's own part of it is. */
export interface Tx extends TransactionUnderTest<Tx> {}

/** Plays one case in the room it is given. Rejects where the adapter does not keep it. */
export type Play = (room: Room) => Promise<void>

/** How long anything that has to happen may take. */
const PATIENCE_MS = 5_000
/** How long who comes first waits for the others. Shorter, so that what it leads to can still be told. */
const MEETING_MS = 2_000

/** What the keys that cases read are made of. */
const QUERIES = {
  'item:1:total': 'SELECT count(*) + sum(amount) AS n FROM items WHERE org_id = 1',
  'item:7:total': 'SELECT count(*) AS n FROM items WHERE org_id = 7',
  'audit:count': 'SELECT count(*) AS n FROM audit',
  'child:count': 'SELECT count(*) AS n FROM children',
} as const

export type Key = keyof typeof QUERIES

/** One cache, one client bound to it, and what the cache was told. */
export class Room {
  readonly under: DatabaseUnderTest<Tx>
  readonly cache: Cache
  /** The patterns that each commit made void, without their captured values. */
  readonly told: (readonly string[])[] = []
  /** The stamps of the same. */
  readonly stamps: (readonly string[])[] = []
  db!: BoundUnderTest<Tx>
  /** Called once everything but the COMMIT of a transaction with a {@link beforeCommit} has been sent. */
  #beforeCommit: () => void = () => {}
  readonly #opened: { close(): Promise<void> }[] = []

  private constructor(under: DatabaseUnderTest<Tx>) {
    this.under = under
    const dependencies = defineDependencies({
      tables: {
        items: ['item:{orgId}:*'],
        audit: ['audit:*'],
        children: ['child:*'],
        hooked: {
          invalidates: ['hooked:{id}'],
          bind: async () => {
            this.#beforeCommit()
            return { id: 1 }
          },
        },
      },
    })
    this.cache = under.cache(dependencies)
    this.cache.on('invalidated', ({ receipt }) => {
      this.stamps.push([...receipt.stamps].sort())
      this.told.push([...new Set(receipt.stamps.map((stamp) => stamp.replace(/\|.*$/s, '')))].sort())
    })
  }

  static async open(under: DatabaseUnderTest<Tx>): Promise<Room> {
    await under.reset()
    const room = new Room(under)
    room.db = await room.bind()
    return room
  }

  /** Another client, bound to the same cache. */
  async bind(port?: number): Promise<BoundUnderTest<Tx>> {
    const bound = await this.under.bind(this.cache, port)
    this.#opened.push(bound)
    return bound
  }

  /** A network before the server, and a client that uses it. */
  async network(): Promise<{ readonly network: NetworkUnderTest; readonly db: BoundUnderTest<Tx> }> {
    assert(this.under.network, 'The client has no connection that could be lost.')
    const network = await this.under.network()
    this.#opened.push(network)
    return { network, db: await this.bind(network.port) }
  }

  /** Has something done in a transaction when everything but its COMMIT has been sent. */
  beforeCommit(tx: Tx, hook: () => void): void {
    this.#beforeCommit = hook
    tx.write('hooked', { operation: 'insert', rows: [{}] })
  }

  /** What the cache answers. */
  async read(key: Key): Promise<number> {
    return this.cache.get(key, () => this.number(QUERIES[key]))
  }

  /** Fills the cache with these keys. */
  async fill(...keys: Key[]): Promise<void> {
    for (const key of keys) await this.read(key)
  }

  /** Says what a table's reader would say that the cache answers something else than the database holds. */
  async assertTrue(...keys: Key[]): Promise<void> {
    for (const key of keys) {
      const [cached, real] = [await this.read(key), await this.number(QUERIES[key])]
      assert.equal(
        cached,
        real,
        `${key} was not invalidated: the cache answers ${cached}, the database ${real}`,
      )
    }
  }

  /** The patterns that were made void, one list for each commit. */
  assertTold(...expected: (readonly string[])[]): void {
    assert.deepEqual(this.told, expected, `other invalidations than expected: ${JSON.stringify(this.told)}`)
  }

  /** The one number that a query gives, seen from outside every transaction. */
  async number(text: string): Promise<number> {
    const [row] = await this.under.query(text)
    return Number(Object.values(row ?? {})[0])
  }

  /** How many items there are of an organisation. */
  async items(orgId: number): Promise<number> {
    return this.number(`SELECT count(*) AS n FROM items WHERE org_id = ${orgId}`)
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.splice(0).map((one) => one.close()))
    await this.cache.close()
  }
}

/** Rejects where something does not come to an end: a transaction that waits for ever would hold up the whole suite. */
export async function inTime<T>(what: string, promise: Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not happen within ${patienceMs} ms: ${what}`)), patienceMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A point at which several come together: each call resolves once all have called, and from then on at once. */
export function meeting(size: number): () => Promise<void> {
  let missing = size
  let open: () => void = () => {}
  const all = new Promise<void>((resolve) => {
    open = resolve
  })
  return () => {
    missing--
    if (missing <= 0) open()
    return inTime('transactions that overlap', all, MEETING_MS)
  }
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new assert.AssertionError({ message: 'resolved, and should have rejected' })
}
