import type { Freshness, ReadOptions } from 'coherent-cache'
import { type From, LoadFailed, type Rows, type Transaction } from './database.ts'
import type { Read, Write } from './history.ts'
import { partsOf, rowsOf } from './shop.ts'
import type { World } from './world.ts'

/** Who reads, and what a read is to be judged by. */
export interface Reading {
  readonly process: string
  readonly by: string
  readonly freshness?: Freshness | undefined
  readonly token?: string | undefined
  readonly options?: ReadOptions | undefined
  readonly behind?: readonly Write[]
  readonly tx?: Transaction | undefined
}

/** Reads one key, and keeps the record of it. */
export async function readOne(
  world: World,
  key: string,
  reading: Reading,
  how: 'get' | 'getEntry' = 'get',
): Promise<void> {
  const { cache } = world.member(reading.process)
  const [read] = note(world, [key], reading)
  const load = loader(world, reading.process, key, reading.tx)
  const { freshness, token } = reading
  const options =
    reading.options ?? (freshness === undefined && token === undefined ? undefined : { freshness, token })
  // Only an entry tells whether a reload is kept, and so has replaced what was.
  if (how === 'get' && freshness !== 'reload') {
    done(world, read, await unlessFailed(cache.get(key, load, options)))
    return
  }
  const { value, expiresAt } = (await unlessFailed(cache.getEntry(key, load, options))) ?? {}
  done(world, read, value)
  if (value === undefined || freshness !== 'reload' || expiresAt === undefined) return
  replaced(world, reading.process, key, value)
}

/** Undefined where the load has failed, which its reader must bear. */
async function unlessFailed<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof LoadFailed) return undefined
    throw error
  }
}

export async function readMany(world: World, keys: readonly string[], reading: Reading): Promise<void> {
  const { cache } = world.member(reading.process)
  const { process, freshness } = reading
  const reads = note(world, keys, reading)
  const load = async (missing: readonly string[], from: From) => {
    const all = [...new Set(missing.flatMap(rowsOf))]
    const what = `load of ${missing.join(', ')}`
    const rows = await world.database.load(process, what, all, allowed(world, from))
    return missing.map((key) => pick(rows, key))
  }
  const options = freshness === undefined ? undefined : { freshness }
  const values = await unlessFailed(cache.getMany(keys, load, options))
  for (const [at, read] of reads.entries()) done(world, read, values?.[at] as Rows | undefined)
}

/** Answers what memory has, if anything. */
export function peekOne(world: World, key: string, reading: Reading): void {
  const [read] = note(world, [key], reading)
  done(world, read, world.member(reading.process).cache.peek(key) as Rows | undefined)
}

/** Fills a key by hand, from the database: what is read through the cache may be as old as the mode allows. */
export async function fillOne(world: World, key: string, { process }: Reading): Promise<void> {
  const { cache } = world.member(process)
  const mark = await cache.mark(key)
  const value = await world.database.read(process, `what fills ${key}`, rowsOf(key), {
    from: allowed(world, mark),
  })
  const kept = await cache.set(key, value as never, { mark })
  if (kept) replaced(world, process, key, value)
}

/** From where a load reads: where there are no replicas, from the primary. */
function allowed({ scenario }: World, from: From): From | undefined {
  return scenario.replicas ? from : undefined
}

function loader(world: World, process: string, key: string, tx?: Transaction): (from: From) => Promise<Rows> {
  const parts = partsOf(key)
  if (parts.length === 0) {
    const { database } = world
    const what = `load of ${key}`
    return (from) =>
      tx === undefined
        ? database.load(process, what, rowsOf(key), allowed(world, from))
        : database.read(process, what, rowsOf(key), { tx })
  }
  return async () => {
    const rows: Record<string, number> = {}
    const { cache } = world.member(process)
    for (const part of parts) Object.assign(rows, await cache.get(part, loader(world, process, part, tx)))
    return rows
  }
}

function pick(rows: Rows, key: string): Rows {
  return Object.fromEntries(rowsOf(key).map((row) => [row, rows[row] as number]))
}

function note(world: World, keys: readonly string[], reading: Reading): Read[] {
  const { process, by, freshness = 'bounded', behind = [], tx } = reading
  const reads = keys.map((key): Read => {
    const own = tx === undefined ? [] : [...tx.rows]
    const begin = world.moment
    return {
      process,
      by,
      key,
      freshness,
      begin,
      behind,
      inside: tx?.id,
      own,
      end: undefined,
      value: undefined,
    }
  })
  world.history.reads.push(...reads)
  return reads
}

function done(world: World, read: Read | undefined, value: Rows | undefined): void {
  if (read === undefined) return
  read.end = world.moment
  read.value = value
}

function replaced(world: World, process: string, key: string, value: Rows): void {
  world.history.replacements.push({ process, key, value, at: world.moment })
}
