import { isCacheError } from 'coherent-cache'
import type { Pool } from 'pg'
import type { Dice } from '../explorer/dice.ts'
import { sharedNow } from '../support/version-judge.ts'
import { type Shop, type StoredRow, updateOf } from './app.ts'
import { Deed, type Deeds } from './deed.ts'
import type { Report } from './messages.ts'
import type { Queries, Reading } from './reading.ts'
import type { Opened, StormTransaction } from './subject.ts'

/** Room for the deeds and nonces of one process: numbers of different processes never meet. */
const DEEDS_EACH = 200_000

/** The writes of one process. */
export class Writing {
  readonly #opened: Opened
  readonly #reading: Reading
  readonly #deeds: Deeds
  readonly #pool: Pool
  readonly #shop: Shop
  readonly #dice: Dice
  readonly #tell: (report: Report) => void
  readonly #first: number
  #done = 0
  #nonces = 0

  constructor(
    process: number,
    room: {
      readonly opened: Opened
      readonly reading: Reading
      readonly deeds: Deeds
      readonly pool: Pool
      readonly shop: Shop
      readonly dice: Dice
      readonly tell: (report: Report) => void
    },
  ) {
    this.#opened = room.opened
    this.#reading = room.reading
    this.#deeds = room.deeds
    this.#pool = room.pool
    this.#shop = room.shop
    this.#dice = room.dice
    this.#tell = room.tell
    this.#first = process * DEEDS_EACH
  }

  /** Writes something in some way, and reads it again. */
  async some(): Promise<void> {
    const chance = this.#dice.fraction()
    if (chance < 0.4) await this.#write('transaction', (deed) => this.#transaction(deed, 1))
    else if (chance < 0.55) await this.#write('several rows', (deed) => this.#transaction(deed, 3))
    else if (chance < 0.68) await this.#write('statement', () => this.#statement())
    else if (chance < 0.78) await this.#write('savepoints', (deed) => this.#savepoints(deed))
    else if (chance < 0.85) await this.#write('rolled back', (deed) => this.#rolledBack(deed))
    else if (chance < 0.9) await this.#write('slow COMMIT', () => this.#slow())
    else if (chance < 0.95) await this.#write('late answer to COMMIT', (deed) => this.#deaf(deed))
    else await this.#alone()
  }

  async #write(how: string, body: (deed: Deed) => Promise<unknown>): Promise<void> {
    const deed = this.#deed(how, true)
    try {
      await this.#deeds.run(deed, () => body(deed))
    } catch (error) {
      if (isCacheError(error, 'STORE_UNAVAILABLE') && deed.sent === undefined) {
        this.#tell({ t: 'aborted' })
        return
      }
      const why = error instanceof Error ? error.message : String(error)
      if (deed.sent === undefined) this.#tell({ t: 'trouble', what: `a transaction (${how}) failed: ${why}` })
      else this.#tell({ t: 'unknown', deed: deed.id, why })
      return
    }
    await this.#ended(deed)
  }

  /** Tells what came of it, and reads it again: this process must show it from now on. */
  async #ended(deed: Deed): Promise<void> {
    const acknowledged = sharedNow()
    if (deed.committed === undefined) {
      this.#tell({ t: 'rolledBack' })
      return
    }
    if (deed.rows.length === 0) return
    const { id, committed, token, status = 'queued' } = deed
    this.#tell({ t: 'done', deed: id, committed, acknowledged, status })
    if (token !== undefined) {
      const keys = deed.rows.flatMap(({ row }) => this.#shop.keysOf(row))
      this.#tell({ t: 'token', told: { token, deed: id, keys } })
    }
    const shown = deed.rows.flatMap(({ row }) => this.#keysOf(row))
    for (const at of new Set(shown)) await this.#reading.plain(at, 'after its write')
  }

  async #transaction(deed: Deed, count: number): Promise<void> {
    await this.#opened.db.transaction(async (tx) => {
      const rows = this.#rows(count)
      const shown = this.#keysOf(rows[0]?.row ?? 0).filter(
        (at) => this.#shop.keys[at]?.parts.length === 0 && this.#dice.chance(0.2),
      )
      for (const at of shown) await this.#reading.plain(at, 'in a unit')
      for (const row of rows) await this.#update(tx, row)
      for (const at of shown) await this.#seesItself(tx, at, deed)
    })
  }

  async #statement(): Promise<void> {
    const [row] = this.#rows(1)
    if (row !== undefined) await this.#opened.db.query(updateOf(row), [row.id, this.#nonce()])
  }

  async #savepoints(deed: Deed): Promise<void> {
    await this.#opened.db.transaction(async (tx) => {
      const [kept, dropped, nested] = this.#rows(3)
      if (kept !== undefined) await this.#update(tx, kept)
      const before = deed.rows.length
      await tx.transaction(async (inner) => {
        if (dropped !== undefined) await this.#update(inner, dropped)
        await inner.rollback()
      })
      deed.rows.length = before
      await tx.transaction(async (inner) => {
        if (nested !== undefined) await this.#update(inner, nested)
      })
    })
  }

  async #rolledBack(deed: Deed): Promise<void> {
    await this.#opened.db.transaction(async (tx) => {
      for (const row of this.#rows(2)) await this.#update(tx, row)
      deed.rows.length = 0
      await tx.rollback()
    })
  }

  async #slow(): Promise<void> {
    const ms = this.#dice.chance(0.8) ? 20 + this.#dice.below(150) : 500 + this.#dice.below(900)
    await this.#opened.db.transaction(async (tx) => {
      for (const row of this.#rows(1)) await this.#update(tx, row)
      await tx.query('INSERT INTO slow_commits VALUES ($1)', [ms])
    })
  }

  async #deaf(deed: Deed): Promise<void> {
    deed.deafMs = 5 + this.#dice.below(this.#dice.chance(0.9) ? 100 : 1_000)
    await this.#transaction(deed, 1)
  }

  /** Writes past the bound database, and tells the cache itself. */
  async #alone(): Promise<void> {
    const [row] = this.#rows(1)
    if (row === undefined) return
    const deed = this.#deed('invalidate()', false)
    await this.#deeds.run(deed, async () => {
      const client = await this.#pool.connect()
      try {
        await client.query('BEGIN')
        const { rows } = await client.query(updateOf(row), [row.id, this.#nonce()])
        await client.query('COMMIT')
        const keys = this.#shop.keysOf(row.row).map((at) => this.#shop.keys[at]?.key ?? '')
        const images = rows.map((image) => ({ before: image, after: image }))
        const request =
          row.table === 'items' && this.#dice.chance(0.3)
            ? { keys }
            : { table: row.table, operation: 'update' as const, rows: images }
        const { status, token } = await this.#opened.cache.invalidate(request)
        deed.status = status
        deed.token = token
      } finally {
        client.release()
      }
    })
    await this.#ended(deed)
  }

  async #update(tx: StormTransaction, row: StoredRow): Promise<void> {
    await tx.query(updateOf(row), [row.id, this.#nonce()])
  }

  /** A read inside a transaction that has written shows what it has written. */
  async #seesItself(tx: StormTransaction, at: number, deed: Deed): Promise<void> {
    const known = this.#shop.keys[at]
    if (known === undefined) return
    const load = this.#reading.load(known, tx as unknown as Queries)
    const value = await this.#opened.cache.get(known.key, load as never)
    for (const { row, nonce } of deed.rows) {
      const place = (value as readonly number[]).findIndex((one, index) => index % 3 === 0 && one === row)
      if (place < 0 || (value as readonly number[])[place + 2] === nonce) continue
      this.#tell({ t: 'trouble', what: `a unit did not read its own write of row ${row} in ${known.key}` })
    }
  }

  /** Different rows, in an order that all writers share. */
  #rows(count: number): StoredRow[] {
    const { rows } = this.#shop
    const hot = () => (this.#dice.chance(0.3) ? (this.#dice.below(8) * 37) % rows.length : undefined)
    const picked = new Set(Array.from({ length: count }, () => hot() ?? this.#dice.below(rows.length)))
    return [...picked].sort((one, other) => one - other).map((at) => rows[at] as StoredRow)
  }

  /** The keys that show a row, as far as this process's release has them. */
  #keysOf(row: number): readonly number[] {
    return this.#reading.known(this.#shop.keysOf(row))
  }

  #deed(how: string, guarded: boolean): Deed {
    return new Deed(this.#first + ++this.#done, how, guarded)
  }

  #nonce(): number {
    return this.#first + ++this.#nonces
  }
}
