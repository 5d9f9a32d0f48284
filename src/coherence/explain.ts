import type { Clock } from '../core/clock.ts'
import type { DependencyMap } from '../core/dependency-map.ts'
import type { Explanation } from '../core/explanation.ts'
import { describeStamp } from '../core/stamp.ts'
import type { Causes } from './causes.ts'
import type { MemoryTier } from './memory-tier.ts'
import type { Plans } from './plans.ts'
import { allLive } from './stamp-table.ts'

/** What explaining looks at. */
export interface ExplainRoom {
  readonly clock: Clock
  readonly map: DependencyMap
  readonly plans: Plans
  readonly memory: MemoryTier | undefined
  readonly causes: Causes
}

/** All that this process knows of one key, gathered without I/O. `ttl` describes the rule of its lifetime. */
export function explain(
  room: ExplainRoom,
  key: string,
  ttl: (plan: ReturnType<Plans['of']>) => string,
): Explanation {
  const { clock, map, plans, memory, causes } = room
  const plan = plans.of(key)
  const entry = memory?.look(key)
  const now = clock.monotonic()
  const held = entry !== undefined && allLive(entry.vector) && now < entry.freshUntil ? entry : undefined
  const heard = causes.last(key, plan.stamps)
  return {
    key,
    family: plan.family?.name,
    params: plan.params,
    tier: held === undefined ? undefined : 'memory',
    age: held === undefined ? undefined : now - held.loadedAt,
    expiresAt: held === undefined ? undefined : Math.round(clock.now() + held.freshUntil - now),
    ttl: ttl(plan),
    vector: plan.stamps.map(describeStamp),
    dependsOn: map.sources(key),
    invalidatedBy:
      heard === undefined
        ? undefined
        : { at: heard.at, stamps: heard.stamps.map(describeStamp), cause: heard.cause },
  }
}
