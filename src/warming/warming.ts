export type { CronClass, CronLike } from './calendar.ts'
export { createWarming, type Warming, type WarmingOptions } from './create-warming.ts'
export { createHotness, type Hotness, type HotnessOptions } from './hotness.ts'
export { type KeepWarm, type KeepWarmOptions, type KeepWarmStats, keepWarm } from './keep-warm.ts'
export {
  type FamilyLoader,
  familyLoader,
  type Plan,
  type PlanContext,
  type PlanItems,
  type WarmItem,
  warmItem,
} from './plan.ts'
export type { WarmedCache } from './plan-run.ts'
export type { Terminal } from './progress-bar.ts'
export type { WarmingProgress, WarmingResult } from './result.ts'
export type { RunReason, ScheduleChange } from './run-record.ts'
export type { Schedule } from './schedule.ts'
export type { HotKey } from './shared-list.ts'
export type { RunStatus, ScheduleStatus, WarmingStatus } from './status.ts'
export { type WarmOptions, warm } from './warm.ts'
