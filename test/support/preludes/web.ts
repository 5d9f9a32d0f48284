/** What examples of a web service have at hand. */
type Declared<Value> = import('coherent-cache').TypeOnly<Value>

export declare const keys: import('coherent-cache').Families<{
  booked: { key: 'booked:{orgId}:{day}'; value: Declared<{ readonly guests: number }> }
}>
export declare const cache: import('coherent-cache').Cache<'bookings', 'orgId'>
export declare const pool: import('pg').Pool
export declare const db: import('coherent-cache/pg').BoundPg<import('pg').Pool>
export declare const redis: import('ioredis').Redis
export declare const server: import('node:http').Server
export declare const worker: { stop(): Promise<void> }

/** Reads as the whole service does. */
export declare function booked(
  reader: import('coherent-cache').CacheReader,
  orgId: number,
  day: string,
): Promise<import('coherent-cache').Entry<{ readonly guests: number }>>
/** The tenant, as your authentication says. */
export declare function organisationOf(headers: import('node:http').IncomingHttpHeaders): number
/** The token in the cookie `read-after`; empty where there is none. */
export declare function tokenOf(cookies: string | undefined): string
/** That cookie with the session's token, as text for the header. */
export declare function cookieOf(session: import('coherent-cache').Session): string
