import { setTimeout as sleep } from 'node:timers/promises'
import type { Freshness, ReadOptions } from 'coherent-cache'
import type { Pool } from 'pg'
import type { Dice } from '../explorer/dice.ts'
import { sharedNow } from '../support/version-judge.ts'
import { type CachedKey, type MapName, type Shop, selectOf, type Versions } from './app.ts'
import { FRESHNESS, PATHS, TIERS, type Told } from './messages.ts'
import type { ReadLog } from './read-log.ts'
import type { Opened } from './subject.ts'

type Path = (typeof PATHS)[number]
type Load = (context: object) => Promise<Versions>
export type Queries = Pick<Pool, 'query'>

const BURST = 10
const TOKENS_KEPT = 32

/** The reads of one process, through every door of the cache. */
export class Reading {
  readonly #opened: Opened
  readonly #log: ReadLog
  readonly #pool: Pool
  readonly #shop: Shop
  readonly #dice: Dice
  /** The keys that this process's release has. */
  readonly #known: readonly number[]
  readonly #isKnown: ReadonlySet<number>
  readonly #tokens: Told[] = []

  constructor(opened: Opened, log: ReadLog, pool: Pool, shop: Shop, dice: Dice, map: MapName) {
    this.#opened = opened
    this.#log = log
    this.#pool = pool
    this.#shop = shop
    this.#dice = dice
    this.#known = [...shop.keys.keys()].filter((at) => map === 'new' || shop.keys[at]?.fresh === false)
    this.#isKnown = new Set(this.#known)
  }

  /** Those of the keys that this process's release has. */
  known(keys: readonly number[]): readonly number[] {
    return keys.filter((at) => this.#isKnown.has(at))
  }

  /** A token that another process was given. */
  hear(told: Told): void {
    this.#tokens.push(told)
    if (this.#tokens.length > TOKENS_KEPT) this.#tokens.shift()
  }

  /** Reads something in some way. @returns how many reads that were */
  async some(): Promise<number> {
    const chance = this.#dice.fraction()
    if (chance < 0.6) return await this.#burst()
    if (chance < 0.7) return await this.entry(this.#pick())
    if (chance < 0.76) return await this.entry(this.#pick(), 'committed')
    if (chance < 0.765) return await this.entry(this.#pick(), 'reload')
    if (chance < 0.8) return await this.#many('bounded')
    if (chance < 0.81) return await this.#many('committed')
    if (chance < 0.9) return this.#peek()
    return await this.#behind()
  }

  /** Reads one key the way most code does. */
  async plain(at: number, path: Path = 'get', from?: Queries): Promise<Versions> {
    const known = this.#key(at)
    const begin = sharedNow()
    const value = (await this.#opened.cache.get(known.key, this.load(known, from))) as Versions
    this.#log.note(begin, at, value, 0, 0, PATHS.indexOf(path))
    return value
  }

  async entry(
    at: number,
    freshness: Freshness = 'bounded',
    path: Path = 'getEntry',
    told?: Told,
  ): Promise<1> {
    const known = this.#key(at)
    const options: ReadOptions | undefined =
      told === undefined ? (freshness === 'bounded' ? undefined : { freshness }) : { token: told.token }
    const begin = sharedNow()
    const { value, tier } = await this.#opened.cache.getEntry(known.key, this.load(known), options)
    const source = TIERS.indexOf(tier)
    const how = FRESHNESS.indexOf(freshness)
    this.#log.note(begin, at, value as Versions, how, source, PATHS.indexOf(path), told?.deed)
    return 1
  }

  /** Loads a key from the database, or from other keys; sometimes slowly. */
  load(known: CachedKey, from: Queries = this.#pool): Load {
    if (known.parts.length > 0) {
      return async () => {
        const parts = known.parts.map((part) => this.#key(this.#shop.byKey.get(part) ?? 0))
        const values = []
        for (const part of parts) values.push(await this.#opened.cache.get(part.key, this.load(part)))
        return values.flat() as Versions
      }
    }
    return async () => {
      const { rows } = await from.query({ text: selectOf(known), values: [known.id] })
      const dawdling = this.#dice.fraction()
      if (dawdling < 0.005) await sleep(300 + this.#dice.below(1_200))
      else if (dawdling < 0.05) await sleep(5 + this.#dice.below(45))
      return rows.flatMap(({ row, version, nonce }) => [row, version, nonce])
    }
  }

  async #burst(): Promise<number> {
    for (let at = 0; at < BURST; at++) await this.plain(this.#pick())
    return BURST
  }

  async #many(freshness: Freshness): Promise<number> {
    const items = new Set(Array.from({ length: 5 }, () => this.#dice.below(this.#shop.items)))
    const asked = [...items]
    const begin = sharedNow()
    const load = async (missing: readonly string[]) =>
      Promise.all(missing.map((key) => this.load(this.#key(this.#shop.byKey.get(key) ?? 0))({})))
    const values = (await this.#opened.cache.getMany(
      asked.map((at) => this.#key(at).key),
      load,
      freshness === 'bounded' ? undefined : { freshness },
    )) as Versions[]
    const how = FRESHNESS.indexOf(freshness)
    for (const [place, at] of asked.entries())
      this.#log.note(begin, at, values[place] as Versions, how, 0, PATHS.indexOf('getMany'))
    return asked.length
  }

  #peek(): number {
    let found = 0
    for (let times = 0; times < BURST; times++) {
      const at = this.#pick()
      const begin = sharedNow()
      const value = this.#opened.cache.peek(this.#key(at).key) as Versions | undefined
      if (value === undefined) continue
      found++
      this.#log.note(begin, at, value, 0, TIERS.indexOf('memory'), PATHS.indexOf('peek'))
    }
    return found
  }

  /** Reads what somebody has written, with the token of the receipt. */
  async #behind(): Promise<number> {
    if (this.#tokens.length === 0) return 0
    const told = this.#dice.of(this.#tokens)
    const keys = this.known(told.keys)
    if (keys.length === 0) return 0
    return await this.entry(this.#dice.of(keys), 'bounded', 'token', told)
  }

  /** Every other read is of one of few keys. */
  #pick(): number {
    const { length } = this.#known
    const place = this.#dice.chance(0.5) ? (this.#dice.below(8) * 37) % length : this.#dice.below(length)
    return this.#known[place] ?? 0
  }

  #key(at: number): CachedKey {
    return this.#shop.keys[at] as CachedKey
  }
}
