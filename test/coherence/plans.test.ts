import { defineDependencies, defineKeys } from 'coherent-cache'
import { describe, expect, test } from 'vitest'
import { MemoryEntry } from '../../src/coherence/memory-tier.ts'
import { Plans } from '../../src/coherence/plans.ts'
import { StampTable } from '../../src/coherence/stamp-table.ts'
import { DependencyMap, type KeyPlan } from '../../src/core/dependency-map.ts'
import { FamilyIndex } from '../../src/core/family-index.ts'
import { readSettings } from '../../src/core/settings.ts'

const keys = defineKeys({ report: 'report:{orgId}:{day}[:{part}]', country: 'country:{code}' })
const dependencies = defineDependencies({
  scopes: ['orgId'],
  tables: { revenues: ['report:{orgId}:*'], all: ['*'] },
})

function open({ holds = true, partitionBy = undefined as string | undefined, ownStamps = false } = {}) {
  const settings = readSettings({ name: 'plans', keys, dependencies })
  const families = new FamilyIndex(settings.keys)
  const map = new DependencyMap(settings.dependencies, families, { partitionBy, ownStamps })
  const stamps = new StampTable()
  const memory = new Map<string, MemoryEntry>()
  const held = (key: string) => (holds ? memory.get(key) : undefined)
  const plans = new Plans({ map, coherence: 'on', registration: '|map|x', held })
  /** An entry as a fill under the plan would make it. */
  const entryOf = ({ key, stamps: names, family }: KeyPlan) => {
    const tokens = names.map((_, at) => `token ${at}`)
    const vector = stamps.admit(stamps.reserve(key, names), tokens, 'epoch')
    if (vector === undefined) throw new Error('Nothing has touched it.')
    const filled = { value: 1, cloned: false, loadedAt: 0, etag: 'etag' }
    return new MemoryEntry(filled, 1_000, vector, family, undefined)
  }
  const take = (key: string) => {
    memory.set(key, entryOf(plans.of(key)))
    plans.taken(key)
  }
  return { plans, memory, take }
}

const all = ({ key, family, params, stamps, shard, head }: KeyPlan) => ({
  key,
  family: family?.name,
  params,
  stamps,
  shard,
  head,
})
const keysOfAllKinds = [
  keys.report({ orgId: 7, day: '2026-11-20' }),
  keys.report({ orgId: 'a b', day: 1, part: 'x' }),
  keys.country({ code: 'IN' }),
  'of no family',
]

describe('plans', () => {
  test.each(
    keysOfAllKinds.flatMap((key) => [
      { key, partitionBy: undefined, ownStamps: false },
      { key, partitionBy: 'orgId', ownStamps: true },
    ]),
  )('ofAKeyInMemory_isWhatTheMapSays $key $partitionBy', ({ key, ...layout }) => {
    const { plans, take } = open(layout)
    const before = all(plans.of(key))
    take(key)
    const held = plans.of(key)
    expect(all(held)).toEqual(before)
    expect(held.stored).toBe(true)
  })

  test('ofAKeyInMemory_isNotKept_untilItIsEvicted', () => {
    const { plans, memory, take } = open()
    const key = keys.report({ orgId: 7, day: 1 })
    expect(plans.of(key)).toBe(plans.of(key))
    expect(plans.of(key).stored).toBe(false)
    const before = all(plans.of(key))
    take(key)
    const entry = memory.get(key) as MemoryEntry
    memory.delete(key)
    expect(plans.of(key).stored).toBe(false)
    plans.taken(key)
    plans.gone(key, entry)
    const kept = plans.of(key)
    expect(kept).toBe(plans.of(key))
    expect(kept.stored).toBe(true)
    expect(all(kept)).toEqual(before)
  })

  test('ofAKeyInMemory_whereThatSavesNothing_isKept', () => {
    const { plans, take } = open({ holds: false })
    const key = keys.report({ orgId: 7, day: 1 })
    const before = plans.of(key)
    take(key)
    expect(plans.of(key)).toBe(before)
  })

  test('set_ofACoherence_forgetsThePlansBeforeIt', () => {
    const { plans } = open()
    const key = keys.report({ orgId: 7, day: 1 })
    const before = plans.of(key).stamps
    plans.set('off', 'report')
    expect(plans.of(key).stamps).toEqual(['|map|x', '|'])
    plans.set('on', 'report')
    expect(plans.of(key).stamps).toEqual(before)
  })
})
