import type { createCache } from 'coherent-cache'
import type { Knex } from 'knex'

declare const cache: ReturnType<typeof createCache>
declare const knex: Knex
