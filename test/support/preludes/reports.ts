/** What examples of a reporting service have at hand. */
interface DailyReport {
  readonly revenue: number
  readonly expenses: number
}

interface Payment {
  readonly id: number
  readonly amount: number
}

type Declared<Value> = import('coherent-cache').TypeOnly<Value>

export declare const keys: import('coherent-cache').Families<{
  dailyReport: { key: 'report:daily:{orgId}:{propertyId}:{date}'; value: Declared<DailyReport> }
  payment: { key: 'payment:{id}'; value: Declared<Payment | null> }
  capacity: 'capacity:{entityId}:{currency}'
  metrics: 'payment:metrics:{landlordId}[:{from}[:{to}]]'
}>
export declare const cache: import('coherent-cache').Cache<
  'revenues' | 'expenses' | 'payments' | 'ledger',
  'orgId' | 'currency'
>
export declare const repository: {
  daily(orgId: number, propertyId: number, date: string, signal?: AbortSignal): Promise<DailyReport>
  payments(ids: readonly number[]): Promise<(Payment | null)[]>
}
export declare const logger: Required<import('coherent-cache').Logger>
export declare const orgId: number
export declare const propertyId: number
export declare const date: string
