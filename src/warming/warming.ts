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
export { type WarmOptions, warm } from './warm.ts'
