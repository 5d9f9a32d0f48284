import type { InvalidateRequest, Receipt, UnitOfWork } from 'coherent-cache'
import type { Transaction } from './database.ts'
import type { Write } from './history.ts'
import { readOne } from './readers.ts'
import type { Deed, Told } from './scenario.ts'
import { rowsOf } from './shop.ts'
import type { World } from './world.ts'

type UnitDeed = Extract<Deed, { do: 'unit' }>

/** Writes in a statement of its own, and tells the cache afterwards. */
export async function writeAlone(world: World, process: string, row: string, told: Told): Promise<void> {
  const { cache } = world.member(process)
  const write = note(world, process, row, told)
  const tx = world.database.begin(process)
  await world.database.write(tx, row)
  await commit(world, tx, write)
  write.telling = world.moment
  acknowledged(world, write, await (told === 'clear' ? cache.clear() : cache.invalidate(request(row, told))))
}

/** Writes in a unit of work, as an adapter does. */
export async function writeInUnit(world: World, process: string, by: string, deed: UnitDeed): Promise<void> {
  const { row, end, reads: [before, after] = [], told = 'row' } = deed
  const { cache } = world.member(process)
  const unit = cache.unitOfWork()
  unit.setUntouched(true)
  const tx = world.database.begin(process)
  const inside = async (key: string | undefined) => {
    if (key !== undefined) await unit.run(() => readOne(world, key, { process, by, tx }))
  }
  await inside(before)
  declare(unit, row, told)
  await world.database.write(tx, row)
  await inside(after)
  const write = note(world, process, row, told)
  write.telling = world.moment
  if (end === 'rollback' || !(await prepared(unit))) {
    await world.database.rollback(tx)
    await unit.rollback()
    return
  }
  const { mode, onStoreUnavailable = 'abort' } = world.scenario
  write.guarded = mode !== 'bounded' && onStoreUnavailable === 'abort'
  await commit(world, tx, write)
  // Of some commits nobody is told where in the log they are.
  const { version = 0 } = write
  if (version % 3 > 0) unit.setPosition(world.database.position(version))
  const receipt = await unit.commit()
  // One that was told to abort has no business with committing unprotected, whatever its receipt says.
  if (onStoreUnavailable === 'proceed') write.guarded = mode !== 'bounded' && receipt.status !== 'unprotected'
  acknowledged(world, write, receipt)
}

function declare(unit: UnitOfWork<string, string>, row: string, told: Told): void {
  const image = { id: Number(row) }
  if (told === 'row') unit.write('items', { operation: 'update', rows: [{ before: image, after: image }] })
  else unit.invalidate(request(row, told))
}

/** False where the store is away and the transaction must be rolled back. */
async function prepared(unit: UnitOfWork<string, string>): Promise<boolean> {
  try {
    await unit.prepare()
    return true
  } catch (error) {
    if ((error as { code?: string }).code !== 'STORE_UNAVAILABLE') throw error
    return false
  }
}

function request(row: string, told: Told): InvalidateRequest<string, string> {
  const image = { id: Number(row) }
  switch (told) {
    case 'keys':
      return { keys: [`item:${row}`] }
    case 'pattern':
      return { pattern: 'sum:*' }
    case 'adhoc':
      return { pattern: 'item:*' }
    case 'scope':
      return { scope: { id: Number(row) } }
    case 'row':
      return { table: 'items', operation: 'update', rows: [{ before: image, after: image }] }
    default:
      return { table: 'items' }
  }
}

function covers(row: string, told: Told): (key: string) => boolean {
  if (told === 'keys' || told === 'scope') return (key) => key === `item:${row}`
  const start = told === 'pattern' ? 'sum:' : told === 'adhoc' ? 'item:' : ''
  return (key) => key.startsWith(start) && (told === 'clear' || rowsOf(key).includes(row))
}

function note(world: World, process: string, row: string, told: Told): Write {
  const write: Write = {
    process,
    row,
    how: `told by ${told}`,
    covers: covers(row, told),
    guarded: false,
    version: undefined,
    telling: undefined,
    committed: undefined,
    acknowledged: undefined,
    status: undefined,
    replayed: undefined,
  }
  world.history.writes.push(write)
  return write
}

async function commit(world: World, tx: Transaction, write: Write): Promise<void> {
  await world.database.commit(tx, (version) => {
    write.version = version
    write.committed = world.moment
  })
}

function acknowledged(world: World, write: Write, { status, token }: Receipt): void {
  write.acknowledged = world.moment
  write.status = status
  world.token = { token, write }
}
