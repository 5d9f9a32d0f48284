import type { Clock } from '../core/clock.ts'
import type { DependencyMap, KeyPlan } from '../core/dependency-map.ts'
import { decodeEntry } from '../core/entry.ts'
import type { ExplainedPolicy, Explanation } from '../core/explanation.ts'
import { describeStamp } from '../core/stamp.ts'
import type { Store } from '../core/store.ts'
import type { Causes } from './causes.ts'
import type { MemoryLease } from './lease.ts'
import type { MemoryTier } from './memory-tier.ts'
import type { Plans } from './plans.ts'

/** What explaining looks at. */
export interface ExplainRoom {
  readonly clock: Clock
  readonly map: DependencyMap
  readonly plans: Plans
  readonly memory: MemoryTier | undefined
  readonly lease: MemoryLease
  readonly causes: Causes
  /** Undefined where memory is all there is. */
  readonly store: Store | undefined
}

/** Where a value is, and its times on the monotonic clock. */
interface Found {
  readonly tier: 'memory' | 'store'
  readonly loadedAt: number
  readonly freshUntil: number
}

/** All that this process knows of one key; asks the store where memory has nothing. `policyOf` says how its values live. */
export async function explain(
  room: ExplainRoom,
  key: string,
  policyOf: (plan: KeyPlan) => ExplainedPolicy,
): Promise<Explanation> {
  const { clock, map, plans, causes } = room
  const plan = plans.of(key)
  const found = inMemory(room, key) ?? (await inStore(room, plan))
  const now = clock.monotonic()
  const heard = causes.last(key, plan.stamps)
  const policy = policyOf(plan)
  return {
    key,
    family: plan.family?.name,
    params: plan.params,
    tier: found?.tier,
    age: found === undefined ? undefined : now - found.loadedAt,
    expiresAt: found === undefined ? undefined : Math.round(clock.now() + found.freshUntil - now),
    ttl: policy.ttl,
    policy,
    vector: plan.stamps.map(describeStamp),
    dependsOn: map.sources(key),
    invalidatedBy:
      heard === undefined
        ? undefined
        : { at: heard.at, stamps: heard.stamps.map(describeStamp), cause: heard.cause },
  }
}

function inMemory({ memory, lease, clock }: ExplainRoom, key: string): Found | undefined {
  const entry = memory?.look(key)
  const now = clock.monotonic()
  if (memory === undefined || entry === undefined || !lease.held(now)) return undefined
  if (!memory.isLive(entry) || now >= entry.memoryUntil) return undefined
  return { tier: 'memory', loadedAt: entry.loadedAt, freshUntil: entry.freshUntil }
}

async function inStore(
  { store, clock }: ExplainRoom,
  { key, shard, stamps }: KeyPlan,
): Promise<Found | undefined> {
  const reply = await store?.read([{ key, shard, stamps }]).catch(() => undefined)
  const value = reply?.results[0]?.value
  const entry = value === undefined ? 'absent' : decodeEntry(value)
  if (typeof entry === 'string') return undefined
  const age = Math.max(0, clock.now() - entry.loadedAt)
  if (age >= entry.lifetimeMs) return undefined
  const loadedAt = clock.monotonic() - age
  return { tier: 'store', loadedAt, freshUntil: loadedAt + entry.lifetimeMs }
}
