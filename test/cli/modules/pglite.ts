import { PGlite } from '@electric-sql/pglite'
import { createCache, defineDependencies, defineKeys } from 'coherent-cache'
import { defineAudit } from 'coherent-cache/audit'
import { bindPglite } from 'coherent-cache/pglite'

const keys = defineKeys({ report: 'report:{orgId}', rates: 'rates:{day}' })
const cache = createCache({
  name: 'cli',
  keys,
  dependencies: defineDependencies({ tables: { revenues: [keys.report] } }),
})

/** What tests of the program audit: set up when it is asked for, with a loader that reads what nobody declared. */
export default async () => {
  const client = await PGlite.create()
  await client.exec('CREATE TABLE revenues (org_id int); CREATE TABLE renters (org_id int)')
  const db = bindPglite(client, cache)
  return defineAudit({
    cache,
    database: db,
    keys,
    loaders: {
      report: { key: keys.report({ orgId: 7 }), load: () => db.query('SELECT * FROM revenues') },
      careless: { key: keys.report({ orgId: 8 }), load: () => db.query('SELECT * FROM renters') },
    },
    close: async () => {
      await client.close()
      console.error('closed')
    },
  })
}
