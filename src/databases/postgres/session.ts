import type { Row } from '../../core/change.ts'
import { CacheError } from '../../core/errors.ts'
import type { TransactionOptions } from '../adapter.ts'

/**
 * What this room needs of a client inside a transaction: to send one statement and be given its rows. No statement is
 * named and no session state is left behind, so that a pooler in transaction mode does no harm.
 */
export type SendSql = (text: string, parameters?: readonly string[]) => Promise<readonly Row[]>

const ABORTED = '25P02'
/** The last one is Prisma's own name for the two others. */
const RETRYABLE = ['40001', '40P01', 'P2034']
const DEEPEST_CAUSE = 5

/** Whether PostgreSQL says that the transaction may be run again: a serialization failure or a deadlock. */
export function isRetryable(error: unknown): boolean {
  return hasCode(error, RETRYABLE)
}

/** Whether PostgreSQL refused a statement because one before it had failed. */
export function isAborted(error: unknown): boolean {
  return hasCode(error, [ABORTED])
}

/** What `seal` rejects with where a statement's error was swallowed. */
export function swallowed(cause: unknown): CacheError {
  return new CacheError(
    'SEAL_FAILED',
    'A statement of this transaction failed and its error was caught, so PostgreSQL rolls the whole of it back. Let the error pass, or run what may fail in tx.transaction(…), which has a savepoint of its own.',
    { cause },
  )
}

/** The statement that gives a transaction its options; undefined where it has none. It must be the first. */
export function setTransaction({ isolation, readOnly }: TransactionOptions): string | undefined {
  const modes = [
    ...(isolation === undefined ? [] : [`ISOLATION LEVEL ${isolation.toUpperCase()}`]),
    ...(readOnly === undefined ? [] : [readOnly ? 'READ ONLY' : 'READ WRITE']),
  ]
  return modes.length === 0 ? undefined : `SET TRANSACTION ${modes.join(', ')}`
}

/**
 * Runs `body` in a savepoint, for clients that have none of their own. Where it rejects, the savepoint is rolled back
 * and the error is rethrown as it is; where it resolved but swallowed a statement's error, it is `SEAL_FAILED`.
 */
export async function inSavepoint<T>(
  send: (text: string) => Promise<unknown>,
  name: string,
  body: () => Promise<T>,
): Promise<T> {
  await send(`SAVEPOINT ${name}`)
  let value: T
  try {
    value = await body()
  } catch (error) {
    // Where this fails too the connection or the savepoint is gone: the transaction cannot commit, as its seal finds.
    await Promise.allSettled([undo(send, name)])
    throw error
  }
  try {
    await send(`RELEASE SAVEPOINT ${name}`)
  } catch (error) {
    await Promise.allSettled([undo(send, name)])
    throw isAborted(error) ? swallowed(error) : error
  }
  return value
}

async function undo(send: (text: string) => Promise<unknown>, name: string): Promise<void> {
  await send(`ROLLBACK TO SAVEPOINT ${name}`)
  await send(`RELEASE SAVEPOINT ${name}`)
}

/** The text of a `.sql` file without its header. */
export function withoutHeader(text: string): string {
  return text.replace(/^(?:--[^\n]*\n)*/, '').trim()
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  let at = error
  for (let depth = 0; depth < DEEPEST_CAUSE && typeof at === 'object' && at !== null; depth++) {
    const { code, originalCode, cause, original, meta } = at as Readonly<Record<string, unknown>>
    if ([code, originalCode].some((one) => typeof one === 'string' && codes.includes(one))) return true
    // Sequelize keeps the server's error as the original, Prisma below its own metadata, others as the cause.
    at =
      cause ?? original ?? (meta as { driverAdapterError?: unknown } | null | undefined)?.driverAdapterError
  }
  return false
}
