/** What examples of a service with replicas have at hand. */
type PgPool = import('pg').Pool

export declare const primary: PgPool
export declare const replica: PgPool
export declare const payments: { byId(id: number, pool: PgPool): Promise<{ readonly amount: number }> }
