import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Cache, defineDependencies, defineKeys } from 'coherent-cache'
import { settle } from 'coherent-cache/testing'
import { describe, expect, test } from 'vitest'
import { deferred, errorOf, openCache } from '../support/caches.ts'

const keys = defineKeys({ report: 'report:{orgId}:{day}', country: 'country:{code}' })
const dependencies = defineDependencies({ tables: { revenues: ['report:{orgId}:{day}'] } })
const OUT = errorOf('OUT_OF_SCOPE')
const load = async () => 0
const own = keys.report({ orgId: 7, day: 1 })
const others = keys.report({ orgId: 8, day: 1 })

const open = () => openCache({ keys, dependencies, partitionBy: 'orgId' }).cache as Cache

describe('runInScope', () => {
  test('inside_theCacheItself_reachesTheTenantAlone', async () => {
    const cache = open()
    await cache.get(others, load)
    await cache.runInScope({ orgId: 7 }, async () => {
      expect(await cache.get(own, load)).toBe(0)
      expect(cache.peek(own)).toBe(0)
      await expect(cache.get(others, load)).rejects.toEqual(OUT)
      await expect(cache.getEntry(others, load)).rejects.toEqual(OUT)
      await expect(cache.getMany([own, others], load as never)).rejects.toEqual(OUT)
      await expect(cache.getMany(keys.report, [{ orgId: 8, day: 1 }], load as never)).rejects.toEqual(OUT)
      await expect(cache.mark(others)).rejects.toEqual(OUT)
      await expect(cache.set(others, 1, { mark: {} as never })).rejects.toEqual(OUT)
      await expect(cache.explain(others)).rejects.toEqual(OUT)
      await expect(cache.invalidate({ keys: [others] })).rejects.toEqual(OUT)
      await expect(cache.session().get(others, load)).rejects.toEqual(OUT)
      expect(() => cache.peek(others)).toThrow(OUT as never)
      const read = async (key: string) => key
      await expect(cache.wrap({ read }, { read: { key: (key) => key } }).read(others)).rejects.toEqual(OUT)
      await expect(cache.scope({ orgId: 8 }).get(others, load)).rejects.toEqual(OUT)
      await cache.clear()
    })
    expect(cache.peek(own)).toBeUndefined()
    expect(cache.peek(others)).toBe(0)
  })

  test('outside_nothingIsConfined', async () => {
    const cache = open()
    cache.runInScope({ orgId: 7 }, () => {})
    expect(await cache.get(others, load)).toBe(0)
  })

  test('requestsSideBySide_haveTheirOwn', async () => {
    const cache = open()
    const gate = deferred<void>()
    const request = (orgId: number, wanted: number) =>
      cache.runInScope({ orgId }, async () => {
        await gate.promise
        return cache.get(keys.report({ orgId: wanted, day: 1 }), load)
      })
    const all = [request(7, 7), request(8, 8), request(7, 8), request(8, 7)]
    gate.resolve()
    const outcomes = await Promise.allSettled(all)
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected'])
  })

  test('whatItLeavesBehind_staysConfined', async () => {
    const cache = open()
    const gate = deferred<void>()
    let late: Promise<unknown> | undefined
    // As a web framework's middleware does: what follows goes on after it has returned.
    const returned = cache.runInScope({ orgId: 7 }, () => {
      late = gate.promise.then(() => cache.get(others, load))
      return 'returned'
    })
    expect(returned).toBe('returned')
    await settle()
    gate.resolve()
    await expect(late).rejects.toEqual(OUT)
  })

  test('loaders_areConfinedToo', async () => {
    const cache = open()
    const read = cache.runInScope({ orgId: 7 }, () => cache.get(own, () => cache.get(others, load)))
    await expect(read).rejects.toEqual(OUT)
  })

  test('inTheScopeOfAnotherTenant_isRefused_inTheSameItIsNot', () => {
    const cache = open()
    cache.runInScope({ orgId: 7 }, () => {
      expect(cache.runInScope({ orgId: '7' }, () => 'same')).toBe('same')
      expect(() => cache.runInScope({ orgId: 8 }, () => 'other')).toThrow(OUT as never)
    })
  })

  test('anotherCache_isNotConcerned', async () => {
    const [one, other] = [open(), open()]
    await one.runInScope({ orgId: 7 }, async () => expect(await other.get(others, load)).toBe(0))
  })

  test('sharedFamilies_mayBeRead', async () => {
    const cache = open()
    const body = () => cache.get(keys.country({ code: 'IN' }), load)
    await expect(cache.runInScope({ orgId: 7 }, body)).rejects.toEqual(OUT)
    expect(await cache.runInScope({ orgId: 7 }, body, { shared: [keys.country] })).toBe(0)
  })

  test('units_areNotConfined_whatWasWrittenIsVoidForEverybody', async () => {
    const cache = open()
    await cache.get(others, load)
    await cache.runInScope({ orgId: 7 }, async () => {
      const unit = cache.unitOfWork()
      unit.write('revenues')
      await unit.commit()
    })
    expect(cache.peek(others)).toBeUndefined()
  })

  test('afterClose_whatItLeftBehind_andWhatBeginsThen_staysConfined', async () => {
    const cache = open()
    const gate = deferred<void>()
    const view = cache.scope({ orgId: 7 })
    const reads = () => [
      cache.get(others, load),
      cache.getEntry(others, load),
      cache.getMany([own, others], async (missing) => missing.map(() => 0)),
      cache.explain(others),
      cache.session().get(others, load),
      cache.get(own, () => cache.get(others, load)),
      view.get(others, load),
    ]
    const late = cache.runInScope({ orgId: 7 }, async () => {
      await gate.promise
      expect(() => cache.peek(others)).toThrow(OUT as never)
      return [await cache.get(own, load), ...(await Promise.allSettled(reads()))]
    })
    await cache.close()
    gate.resolve()
    expect(await late).toEqual([0, ...Array(7).fill({ status: 'rejected', reason: OUT })])
    expect(await cache.runInScope({ orgId: 7 }, () => cache.get(own, load))).toBe(0)
    await expect(cache.runInScope({ orgId: 7 }, () => cache.get(others, load))).rejects.toEqual(OUT)
    expect(await cache.get(others, load)).toBe(0)
  })

  test('afterClose_withNobodyHoldingTheCache_costsNothingMore', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--expose-gc',
      '--import',
      'tsx',
      '--import',
      './scripts/text-loader.mjs',
      '--input-type=module',
      '--eval',
      `import { AsyncLocalStorage } from 'node:async_hooks'
      import { createCache, defineKeys } from './src/index.ts'
      let disabled = 0
      const { disable } = AsyncLocalStorage.prototype
      AsyncLocalStorage.prototype.disable = function () {
        if ('registry' in this) disabled++
        return disable.call(this)
      }
      const keys = defineKeys({ report: 'report:{orgId}' })
      async function useOne() {
        const cache = createCache({ name: 'one', keys, partitionBy: 'orgId' })
        await cache.runInScope({ orgId: 7 }, () => cache.get(keys.report({ orgId: 7 }), async () => 1))
        await cache.close()
      }
      await useOne()
      for (let turn = 0; turn < 100 && disabled === 0; turn++) {
        gc()
        await new Promise(setImmediate)
      }
      console.log(disabled)`,
    ])
    expect(stdout.trim()).toBe('1')
  })

  test('whatItsBodyThrows_isThrown', () => {
    const cache = open()
    const body = () => {
      throw new Error('mine')
    }
    expect(() => cache.runInScope({ orgId: 7 }, body)).toThrow('mine')
  })
})
