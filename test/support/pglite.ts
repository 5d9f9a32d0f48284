import { PGlite, type Transaction } from '@electric-sql/pglite'

/** A PGlite that remembers the text of every statement it is sent, BEGIN and COMMIT left out. */
export interface RecordingPglite {
  readonly db: PGlite
  /** What was sent since the last {@link forget}. */
  readonly sent: string[]
  forget(): void
}

/** Starts an empty PGlite in memory, which takes a second or two. */
export async function startPglite(): Promise<PGlite> {
  const db = await PGlite.create()
  await db.query('SELECT 1')
  return db
}

/** The same database behind a face that records. */
export function recording(db: PGlite): RecordingPglite {
  const sent: string[] = []
  const over = <Target extends PGlite | Transaction>(target: Target): Target =>
    new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (name === 'transaction') {
          return (body: (tx: Transaction) => Promise<unknown>) => db.transaction((tx) => body(over(tx)))
        }
        return (...parameters: unknown[]) => {
          if (name === 'query' || name === 'exec') sent.push(String(parameters[0]))
          return Reflect.apply(value, target, parameters)
        }
      },
    })
  return {
    db: over(db),
    sent,
    forget: () => {
      sent.length = 0
    },
  }
}

/** Empties the database. */
export async function reset(db: PGlite): Promise<void> {
  await db.exec(`
    DROP SCHEMA IF EXISTS public CASCADE; DROP SCHEMA IF EXISTS billing CASCADE; CREATE SCHEMA public;
    SET search_path TO public; SET standard_conforming_strings TO on;
  `)
}
