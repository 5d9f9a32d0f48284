import { Body, Controller, Get, HttpCode, Inject, Param, ParseIntPipe, Post, Put } from '@nestjs/common'
import type { CacheStats } from 'coherent-cache'
import { CACHE } from './cache.module.js'
import type { AppCache, Total } from './keys.js'
import { PaymentsRepository } from './payments.repository.js'
import { PaymentsService } from './payments.service.js'
import { RatesRepository } from './rates.repository.js'

@Controller()
export class PaymentsController {
  constructor(
    @Inject(CACHE) private readonly cache: AppCache,
    @Inject(PaymentsRepository) private readonly payments: PaymentsRepository,
    @Inject(PaymentsService) private readonly service: PaymentsService,
    @Inject(RatesRepository) private readonly rates: RatesRepository,
  ) {}

  @Get('landlords/:id/total')
  total(@Param('id', ParseIntPipe) id: number): Promise<Total> {
    return this.payments.total(id)
  }

  /** Answers once the total is void: the page that follows shows the payment. */
  @Post('landlords/:id/payments')
  @HttpCode(204)
  pay(@Param('id', ParseIntPipe) id: number, @Body('amount', ParseIntPipe) amount: number): Promise<void> {
    return this.payments.pay(id, amount)
  }

  @Post('landlords/:id/transfers')
  @HttpCode(204)
  transfer(
    @Param('id', ParseIntPipe) id: number,
    @Body('to', ParseIntPipe) to: number,
    @Body('amount', ParseIntPipe) amount: number,
  ): Promise<void> {
    return this.service.transfer(id, to, amount)
  }

  @Get('rates/:currency')
  async rate(@Param('currency') currency: string): Promise<{ readonly rate: number }> {
    return { rate: await this.rates.rate(currency) }
  }

  @Put('rates/:currency')
  @HttpCode(204)
  setRate(@Param('currency') currency: string, @Body('rate', ParseIntPipe) rate: number): Promise<void> {
    return this.rates.setRate(currency, rate)
  }

  @Get('cache')
  stats(): CacheStats {
    return this.cache.stats()
  }
}
