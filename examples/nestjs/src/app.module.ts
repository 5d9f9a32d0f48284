import { Module } from '@nestjs/common'
import { CacheModule } from './cache.module.js'
import { PaymentsController } from './payments.controller.js'
import { PaymentsRepository } from './payments.repository.js'
import { PaymentsService } from './payments.service.js'
import { RatesRepository } from './rates.repository.js'

@Module({
  imports: [CacheModule],
  controllers: [PaymentsController],
  providers: [PaymentsRepository, PaymentsService, RatesRepository],
})
export class AppModule {}
