import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { defineAudit } from 'coherent-cache/audit'
import { AppModule } from './src/app.module.js'
import { type AppDatabase, CACHE, DATABASE } from './src/cache.module.js'
import { type AppCache, keys } from './src/keys.js'
import { PaymentsRepository } from './src/payments.repository.js'

/** `npm run audit`: does a query read a table that nobody declared? */
export default async () => {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] })
  return defineAudit({
    cache: app.get<AppCache>(CACHE),
    database: app.get<AppDatabase>(DATABASE),
    keys,
    loaders: {
      total: {
        key: keys.total({ landlordId: 3 }),
        load: () => app.get(PaymentsRepository).total(3),
      },
    },
    close: () => app.close(),
  })
}
