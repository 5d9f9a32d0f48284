/** What examples of an audit have at hand. */
type Declared<Value> = import('coherent-cache').TypeOnly<Value>

export declare const keys: import('coherent-cache').Families<{
  dailyReport: { key: 'report:daily:{orgId}:{day}'; value: Declared<{ readonly revenue: number }> }
  capacity: 'capacity:{entityId}'
}>
export declare const cache: import('coherent-cache').Cache
export declare const pool: import('pg').Pool
export declare const db: import('coherent-cache/pg').BoundPg<import('pg').Pool>
export declare const reports: { daily(orgId: number, day: string): Promise<{ readonly revenue: number }> }
export declare const loaders: Readonly<
  Record<string, { readonly key: string; readonly load: () => Promise<unknown> }>
>
