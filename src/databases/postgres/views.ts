import { type SendSql, withoutHeader } from './session.ts'
import { unquoted } from './tables.ts'
import views from './views.sql'

const VIEWS = withoutHeader(views)

/** A view, by the names that the map uses. */
export interface CatalogueView {
  readonly name: string
  /** The tables and views that it reads. */
  readonly bases: readonly string[]
  /** It keeps rows of its own, until it is refreshed. */
  readonly materialized: boolean
}

/** The views of a database, as its catalogue has them. */
export async function viewsOfPostgres(send: SendSql): Promise<readonly CatalogueView[]> {
  const rows = await send(VIEWS)
  return rows.map((row) => ({
    name: unquoted(row.shown),
    bases: (JSON.parse(row.bases) as string[]).map(unquoted),
    materialized: row.kind === 'm',
  }))
}
