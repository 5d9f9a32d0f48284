import { type Dependencies, defineDependencies, defineKeys } from 'coherent-cache'

/** An application as a member of a fleet runs it: by name, because a map cannot be sent to another process. */
export interface App {
  readonly keys: Readonly<Record<string, unknown>>
  readonly dependencies: Dependencies
}

const reports = defineKeys({
  daily: 'report:daily:{orgId}:{date}',
  item: 'item:{id}',
  summary: { key: 'summary:{orgId}', ttl: '5m' },
})

/** What the fleet's processes run. `old` and `new` are two releases of one application, `billing` is another one. */
export const apps: Readonly<Record<string, App>> = {
  old: {
    keys: reports,
    dependencies: defineDependencies({
      scopes: ['orgId'],
      tables: { revenues: ['report:daily:{orgId}:*'], items: ['item:{id}'] },
    }) as unknown as Dependencies,
  },
  new: {
    keys: reports,
    dependencies: defineDependencies({
      scopes: ['orgId'],
      tables: { revenues: ['report:daily:{orgId}:*', 'summary:{orgId}'], items: ['item:{id}', 'summary:*'] },
    }) as unknown as Dependencies,
  },
  billing: {
    keys: defineKeys({ invoice: 'invoice:{orgId}:{number}' }),
    dependencies: defineDependencies({
      tables: { revenues: ['invoice:{orgId}:*'], invoices: ['invoice:{orgId}:{number}'] },
    }) as unknown as Dependencies,
  },
}
