import { defineDependencies, defineKeys } from 'coherent-cache'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adhocTarget } from '../../src/core/adhoc-pattern.ts'
import { mergeChanges, NO_CHANGE, readRequest } from '../../src/core/change.ts'
import { DependencyMap } from '../../src/core/dependency-map.ts'
import { FamilyIndex } from '../../src/core/family-index.ts'
import { compiledFamily } from '../../src/core/key.ts'
import { leadingInstance } from '../../src/core/leading-instance.ts'
import { Pattern } from '../../src/core/pattern.ts'
import { patternStamp } from '../../src/core/stamp.ts'
import { countingLoader, errorOf, openCache, openFleet } from '../support/caches.ts'

const run = (pattern: string, asked: string) => leadingInstance(new Pattern(pattern, 'test'), asked)

describe('leadingInstance', () => {
  test.each([
    ['capacity:{entityId}:*', 'capacity:{entityId}:*', []],
    ['capacity:{entityId}:*', 'capacity:7:*', ['7']],
    ['capacity:{entityId}:{currency}', 'capacity:7:{currency}', ['7']],
    ['capacity:{entityId}:{currency}', 'capacity:7:USD', ['7', 'USD']],
    ['capacity:{entityId}:{currency}', 'capacity:{any}:{other}', []],
    ['report:{orgId}:{day}', 'report:7:2026-11-20', ['7', '2026-11-20']],
    ['file:v{version}.json', 'file:v3.json', ['3']],
    ['*capacity:{entityId}:*', '*capacity:7:*', ['7']],
    ['a.c:{id}', 'a.c:7', ['7']],
    ['fixed', 'fixed', []],
    ['*fixed*', '*fixed*', []],
    // What a family leaves open, a star of the map covers.
    ['report:{orgId}:*', 'report:7:{propertyId}:{date}', ['7']],
    ['report:{orgId}:*', 'report:7:{month}[:{part}]', ['7']],
    ['metrics:{id}*', 'metrics:7[:{from}[:{to}]]', ['7']],
    ['metrics:{id}*', 'metrics:{id}[:{from}[:{to}]]', []],
    // Escapes: one spelling for each value.
    ['a:{id}:*', 'a:%61b%20c:*', ['ab%20c']],
    ['a:{id}:*', 'a:%_:*', ['%_']],
    ['a:{id}:*', 'a:%uD800:*', ['%uD800']],
  ])('instance_of_%s_is_%s', (pattern, asked, values) => {
    expect(run(pattern, asked)).toEqual(values)
  })

  test.each([
    // A star in the place of a capture matches more than one segment.
    ['capacity:{entityId}:{currency}', 'capacity:7:*'],
    ['capacity:{entityId}:{currency}', 'capacity:*:*'],
    ['capacity:{entityId}:*', 'capacity:*'],
    // A value beside a star is no whole segment.
    ['metrics:{id}*', 'metrics:1*'],
    ['*{id}:x', '*1:x'],
    // Not the first captures.
    ['report:{orgId}:{date}', 'report:{orgId}:2026-11-20'],
    // A part of what a star stands for.
    ['capacity:{entityId}:*', 'capacity:7:USD'],
    ['*fixed*', 'fixed'],
    ['metrics:{id}*', 'metrics:7'],
    ['metrics:{id}*', 'metrics:7:2026[:{to}]'],
    // Other text.
    ['capacity:{entityId}:*', 'capacity:7:8:*'],
    ['capacity:{entityId}:*', 'capacity::*'],
    ['capacity:{entityId}:*', 'Capacity:7:*'],
    ['capacity:{entityId}:*', 'xcapacity:7:*'],
    ['a.c:{id}', 'abc:7'],
    // No encoding of a value.
    ['a:{id}:*', 'a:%zz:*'],
    ['a:{id}:*', 'a:é:*'],
  ])('instance_of_%s_isNot_%s', (pattern, asked) => {
    expect(run(pattern, asked)).toBeUndefined()
  })

  test('instance_longTexts_inTime', () => {
    // Whoever asks for a pattern may have got its text from elsewhere: 1 kB of this used to take a second.
    const began = performance.now()
    for (const piece of ['-', '7-', '{x}-', '%20', '[', ']', '{x}:'])
      expect(run('{p}-{q}-{r}:*', `${piece.repeat(50_000)}!`)).toBeUndefined()
    expect(run('*:*:*:*', `${'{x}:'.repeat(50_000)}!`)).toBeUndefined()
    expect(performance.now() - began).toBeLessThan(15_000)
  })

  test('instance_whateverItMatches_hangsOnTheStamp', () => {
    const piece = fc.constantFrom('a', '1', '10', ':', ':', 'x', '%31', '-')
    const patternPiece = fc.constantFrom('{p}', '{q}', '*', ':', ':', 'a', 'x', '-')
    const text = fc.array(patternPiece, { minLength: 1, maxLength: 7 }).map((pieces) => pieces.join(''))
    const values = fc.tuple(
      fc.constantFrom('1', '10', '%31', 'a-a', '{p}', '*'),
      fc.constantFrom('1', 'a', '-', '{q}', '*'),
    )
    const keyText = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''))
    let rotated = 0
    fc.assert(
      fc.property(text, values, fc.array(keyText, { maxLength: 20 }), (written, [p, q], others) => {
        const pattern = usable(written)
        const asked = pattern && usable(pattern.text.replace('{p}', p).replace('{q}', q))
        fc.pre(pattern !== undefined && asked !== undefined)
        const found = leadingInstance(pattern, asked.text)
        if (found === undefined) return
        rotated++
        const stamp = patternStamp(pattern.text, found)
        const likely = ['', 'x', 'a:1', '1:a'].flatMap((star) =>
          ['1', 'a'].map((open) => asked.text.replaceAll('*', star).replace(/\{.\}/g, open)),
        )
        for (const key of [...others, ...likely]) {
          if (key === '' || !asked.test(key)) continue
          const stamps = stampsOf(pattern, key)
          if (stamps !== undefined) expect(stamps).toContain(stamp)
        }
      }),
      { numRuns: 2_000 },
    )
    expect(rotated).toBeGreaterThan(100)
  })
})

/** The stamps of a pattern that a key hangs on; undefined for a key that is refused, for too many ways of matching. */
function stampsOf(pattern: Pattern, key: string): string[] | undefined {
  try {
    return pattern
      .match(key)
      .flatMap((values) =>
        [...values, ''].map((_, depth) => patternStamp(pattern.text, values.slice(0, depth))),
      )
  } catch {
    return undefined
  }
}

/** The pattern, or undefined for a text that is none. */
function usable(text: string): Pattern | undefined {
  try {
    return new Pattern(text, 'test', true)
  } catch {
    return undefined
  }
}

const keys = defineKeys({
  capacity: 'capacity:{entityId}:{currency}',
  report: 'report:{orgId}:{propertyId}:{date}',
  metrics: 'metrics:{landlordId}[:{from}[:{to}]]',
})
const families = Object.values(keys).flatMap((family) => compiledFamily(family) ?? [])
const target = (asked: string, patterns: readonly string[]) => {
  const found = adhocTarget(
    asked,
    patterns.map((text) => new Pattern(text, 'test')),
    families,
  )
  return found.stamp ?? found.sweep.map(({ text }) => text)
}

describe('adhocTarget', () => {
  test('target_instanceOfTheMap_isItsStamp', () => {
    expect(target('capacity:7:*', ['capacity:{entityId}:*'])).toBe('capacity:{entityId}:*|7')
    expect(target('capacity:7:***', ['capacity:{entityId}:*'])).toBe('capacity:{entityId}:*|7')
    expect(target('capacity:{entityId}:*', ['capacity:{entityId}:*'])).toBe('capacity:{entityId}:*')
    expect(target(keys.capacity.pattern({ entityId: 7 }), ['capacity:{entityId}:*'])).toBe(
      'capacity:{entityId}:*|7',
    )
  })

  test('target_severalStampsWouldDo_isTheOneThatVoidsTheLeast', () => {
    const asked = keys.capacity.pattern({ entityId: 7 })
    const both = ['capacity:{entityId}:*', 'capacity:{entityId}:{currency}', '*capacity*']
    expect(target(asked, both)).toBe('capacity:{entityId}:{currency}|7')
    expect(target(asked, both.toReversed())).toBe('capacity:{entityId}:{currency}|7')
  })

  test('target_anythingElse_isSwept', () => {
    expect(target('capacity:7:*', ['capacity:{entityId}:{currency}'])).toEqual(['capacity:7:*'])
    expect(target('metrics:1*', ['metrics:{landlordId}*'])).toEqual(['metrics:1*'])
    expect(target('*exposure*', [])).toEqual(['*exposure*'])
    expect(target('capacity:a%20b:*', [])).toEqual(['capacity:a%20b:*'])
  })

  test('target_familyPatternThatTheMapHasNot_isSweptForItsOwnKeys', () => {
    expect(
      target(keys.report.pattern({ date: '2026-11-20' }), ['report:{orgId}:{propertyId}:{date}']),
    ).toEqual(['report:{orgId}:{propertyId}:2026-11-20'])
    expect(target(keys.metrics.pattern({ landlordId: 1 }), [])).toEqual(['metrics:1', 'metrics:1:*'])
    expect(target(keys.metrics.pattern(), [])).toEqual(['metrics:{landlordId}', 'metrics:{landlordId}:*'])
    expect(target(keys.metrics.pattern({ landlordId: 1, from: 'a', to: 'b' }), [])).toEqual(['metrics:1:a:b'])
  })

  test.each([
    ['capacity:{entity}:*', /capacity:\{entity\}:\*" has captures but stands in no table/],
    ['other:{id}', /has captures but stands in no table/],
    ['other:{id}[:{from}]', /holds "\["/],
    ['metrics:1[:{from}]', /holds "\["/],
    ['metrics:1[:{to}[:{from}]]', /holds "\["/],
    ['metrics:[:{from}[:{to}]]', /holds "\["/],
    ['a b', /holds " "/],
    ['100%', /holds "%"/],
    ['a%2', /holds "%"/],
    ['a:{b', /a brace without its partner/],
    ['', /is empty/],
  ])('target_%s_isRefused', (asked, message) => {
    expect(() => target(asked, ['capacity:{entityId}:*'])).toThrow(
      errorOf('INVALID_PATTERN', message) as Error,
    )
  })
})

describe('invalidate by pattern', () => {
  const dependencies = defineDependencies({
    tables: { hedges: ['capacity:{entityId}:*'], payments: [keys.metrics], revenues: [keys.report] },
  })
  const map = new DependencyMap(dependencies, new FamilyIndex(keys))
  const targets = async (...patterns: string[]) => {
    const { stamps, patterns: swept } = await map.targets({ ...NO_CHANGE, patterns })
    return { stamps, swept: swept.map(({ text }) => text) }
  }

  test('pattern_instanceOfTheMap_rotatesOneStamp', async () => {
    expect(await targets('capacity:7:*', keys.metrics.pattern({ landlordId: 1 }))).toEqual({
      stamps: ['capacity:{entityId}:*|7', 'metrics:{landlordId}*|1'],
      swept: [],
    })
    expect(await targets('capacity:7:*', 'capacity:{entityId}:*', '*x*')).toEqual({
      stamps: ['capacity:{entityId}:*'],
      swept: ['*x*'],
    })
  })

  test.each(['memory alone', 'a shared store'])(
    'pattern_overKeysOf_%s_voidsThemAndNoOther',
    async (where) => {
      const cache =
        where === 'memory alone'
          ? openCache({ keys, dependencies }).cache
          : (await openFleet(1, { keys, dependencies })).fleet[0]
      if (cache === undefined) throw new Error('no cache')
      const loads = countingLoader()
      const read = async (all: readonly string[]) => {
        const values: Record<string, number> = {}
        for (const key of all) values[key] = await cache.get(key, loads.load)
        return values
      }
      const voided = async (pattern: string, all: readonly string[]) => {
        const before = await read(all)
        const receipt = await cache.invalidate({ pattern })
        const after = await read(all)
        return { stamps: receipt.stamps.length, keys: all.filter((key) => after[key] !== before[key]) }
      }
      const ofLandlord1 = [
        keys.metrics({ landlordId: 1 }),
        keys.metrics({ landlordId: 1, from: 'a', to: 'b' }),
      ]
      const landlords = [...ofLandlord1, keys.metrics({ landlordId: 10 })]
      expect(await voided(keys.metrics.pattern({ landlordId: 1 }), landlords)).toEqual({
        stamps: 1,
        keys: ofLandlord1,
      })
      // The glob reaches further, and so does what it voids.
      expect(await voided('metrics:1*', landlords)).toEqual({ stamps: 0, keys: landlords })
      expect(await voided(keys.metrics.pattern({ landlordId: 1, from: 'a' }), landlords)).toEqual({
        stamps: 0,
        keys: ofLandlord1.slice(1),
      })

      const reports = ['report:7:1:a', 'report:7:2:b', 'report:8:1:a', 'report:7:1:a:longer']
      expect(await voided(keys.report.pattern({ orgId: 7 }), reports)).toEqual({
        stamps: 1,
        keys: reports.slice(0, 2),
      })
      expect(await voided(keys.report.pattern({ date: 'a' }), reports)).toEqual({
        stamps: 0,
        keys: ['report:7:1:a', 'report:8:1:a'],
      })
      // A raw key that is longer than the map's pattern: `*` is anything, so it is swept for.
      expect(await voided('report:7:*:*', reports)).toEqual({
        stamps: 0,
        keys: ['report:7:1:a', 'report:7:2:b', 'report:7:1:a:longer'],
      })
    },
  )

  test('pattern_badOneInAUnit_isRefusedAtOnceAndLeavesTheUnitUsable', async () => {
    const { cache } = openCache({ keys, dependencies })
    const unit = cache.unitOfWork()
    expect(() => unit.invalidate({ pattern: 'nothing:{known}' })).toThrow(errorOf('INVALID_PATTERN') as Error)
    await unit.run(async () => {
      await expect(cache.invalidate({ pattern: 'a b' })).rejects.toEqual(errorOf('INVALID_PATTERN'))
    })
    await unit.prepare()
    expect((await unit.commit()).stamps).toEqual([])
  })
})

describe('several requests at once', () => {
  const dependencies = defineDependencies({
    scopes: ['orgId'],
    tables: { revenues: ['report:{orgId}:*'], hedges: ['capacity:{entityId}:*'] },
  })

  test('requests_ofEveryForm_areOneChangeWithOneReceipt', async () => {
    const { cache } = openCache({ keys, dependencies })
    let told = 0
    cache.on('invalidated', () => told++)
    const receipt = await cache.invalidate([
      { table: 'revenues', operation: 'insert', rows: [{ org_id: 7 }] },
      { tables: ['hedges'] },
      { keys: ['a', 'b'] },
      { keys: ['b'] },
      { pattern: 'report:8:*' },
      { scope: { orgId: 9 } },
    ])
    expect(receipt).toMatchObject({
      status: 'applied',
      stamps: expect.arrayContaining([
        'report:{orgId}:*|7',
        'capacity:{entityId}:*',
        'report:{orgId}:*|8',
        '|orgId=9',
      ]),
      keys: ['a', 'b'],
    })
    expect(receipt.stamps).toHaveLength(4)
    expect(told).toBe(1)
  })

  test.each([
    ['an empty list', [], 'INVALID_ARGUMENT', /an empty list names nothing/],
    ['nothing', [{ keys: ['a'] }, {}], 'INVALID_ARGUMENT', /names nothing/],
    [
      'two forms in one',
      [{ keys: ['a'] }, { tables: ['t'], pattern: '*' }],
      'INVALID_ARGUMENT',
      /"pattern" does not/,
    ],
    ['a list in a list', [{ keys: ['a'] }, [{ keys: ['b'] }]], 'INVALID_ARGUMENT', /names nothing/],
    ['a key that is none', [{ keys: ['a'] }, { keys: [''] }], 'INVALID_KEY', /is not a key/],
    ['a pattern that is none', [{ keys: ['a'] }, { pattern: 'a b' }], 'INVALID_PATTERN', /holds " "/],
    [
      'a scope that is none',
      [{ keys: ['a'] }, { scope: { other: 1 } }],
      'UNKNOWN_SCOPE',
      /"other" is no scope/,
    ],
  ] as const)('requests_with_%s_applyNone', async (_, requests, code, message) => {
    const { cache } = openCache({ dependencies })
    const { load } = countingLoader()
    await cache.get('a', load)
    await expect(cache.invalidate(requests as never)).rejects.toEqual(errorOf(code, message))
    expect(await cache.get('a', load)).toBe(1)
    expect(cache.stats().invalidations).toBe(0)
  })

  test('requests_inAUnit_areAppliedAtTheCommit', async () => {
    const { cache } = openCache({ dependencies })
    const unit = cache.unitOfWork()
    unit.invalidate([{ keys: ['a'] }, { pattern: 'capacity:7:*' }])
    expect(() => unit.invalidate([])).toThrow(errorOf('INVALID_ARGUMENT') as Error)
    await unit.prepare()
    expect(await unit.commit()).toMatchObject({ keys: ['a'], stamps: ['capacity:{entityId}:*|7'] })
  })

  test('merge_ofNone_isNoChange', () => {
    expect(mergeChanges([])).toEqual(NO_CHANGE)
    expect(readRequest([{ keys: ['a'] }])).toEqual(readRequest({ keys: ['a'] }))
  })
})
