/** What examples mean by `redis`: a client of `ioredis`. */
export declare const redis: import('ioredis').Redis
