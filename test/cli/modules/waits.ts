import { PGlite } from '@electric-sql/pglite'
import { createCache, defineDependencies, defineKeys } from 'coherent-cache'
import { defineAudit } from 'coherent-cache/audit'
import { bindPglite } from 'coherent-cache/pglite'

const keys = defineKeys({ report: 'report:{orgId}' })
const dependencies = defineDependencies({ tables: { revenues: [keys.report] } })
const cache = createCache({ name: 'cli-waits', keys, dependencies })

/** A loader that asks the client itself, whose one connection the audit is reading on. */
export default async () => {
  const client = await PGlite.create()
  await client.exec('CREATE TABLE revenues (org_id int)')
  return defineAudit({
    cache,
    database: bindPglite(client, cache),
    keys,
    loaders: {
      report: { key: keys.report({ orgId: 7 }), load: () => client.query('SELECT * FROM revenues') },
    },
  })
}
