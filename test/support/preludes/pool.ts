/** What examples of a service on PostgreSQL have at hand. */
export declare const pool: import('pg').Pool
export declare const cache: import('coherent-cache').Cache<'revenues' | 'payments' | 'ledger', 'orgId'>
