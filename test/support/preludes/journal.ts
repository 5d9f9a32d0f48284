/** What examples of a service with a journal have at hand. */
export declare const pool: import('pg').Pool
export declare const cache: import('coherent-cache').Cache
export declare const dependencies: import('coherent-cache').Dependencies
export declare const journal: import('coherent-cache/journal').DefinedJournal
