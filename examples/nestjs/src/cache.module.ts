import { PGlite } from '@electric-sql/pglite'
import { Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common'
import { createCache } from 'coherent-cache'
import { type BoundPglite, bindPglite } from 'coherent-cache/pglite'
import { type AppCache, dependencies, keys } from './keys.js'

/** Tokens: interfaces are nothing at run time that a container could inject by. */
export const CACHE = Symbol('cache')
export const DATABASE = Symbol('database')
const CLIENT = Symbol('client')

export type AppDatabase = BoundPglite<PGlite>

const SCHEMA = 'CREATE TABLE payments (id serial PRIMARY KEY, landlord_id int NOT NULL, amount int NOT NULL)'

/** One cache and one bound database for the whole application, closed with it. */
@Global()
@Module({
  providers: [
    { provide: CACHE, useFactory: (): AppCache => createCache({ name: 'landlords', keys, dependencies }) },
    {
      provide: CLIENT,
      useFactory: async (): Promise<PGlite> => {
        const client = await PGlite.create()
        await client.exec(SCHEMA)
        return client
      },
    },
    {
      provide: DATABASE,
      inject: [CLIENT, CACHE],
      useFactory: (client: PGlite, cache: AppCache): AppDatabase => bindPglite(client, cache),
    },
  ],
  exports: [CACHE, DATABASE],
})
export class CacheModule implements OnApplicationShutdown {
  constructor(
    @Inject(CACHE) private readonly cache: AppCache,
    @Inject(CLIENT) private readonly client: PGlite,
  ) {}

  /** After the server has answered its last request. First the cache, which waits for transactions and loads; they use it. */
  async onApplicationShutdown(): Promise<void> {
    const { loads, units, queued } = await this.cache.close()
    await this.client.close()
    console.log(`closed: ${loads} loads, ${units} transactions and ${queued} changes left undone`)
  }
}
