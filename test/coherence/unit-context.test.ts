import { settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { type LoadFrame, UnitContext } from '../../src/coherence/unit-context.ts'
import { deferred } from '../support/caches.ts'

const load = (key: string, parent?: LoadFrame): LoadFrame => ({ kind: 'load', keys: [key], parent })

test('run_frame_surroundsItsBody_andWhatItAwaits', async () => {
  const context = new UnitContext()
  const frame = load('a')
  expect(context.current()).toBeUndefined()
  await context.run(frame, async () => {
    expect(context.current()).toBe(frame)
    await settle()
    expect(context.current()).toBe(frame)
  })
  expect(context.current()).toBeUndefined()
  expect(context.run(frame, () => 1)).toBe(1)
})

test('run_bodyThatThrows_leavesNothingOpen', async () => {
  const context = new UnitContext()
  expect(() =>
    context.run(load('a'), () => {
      throw new Error('broken')
    }),
  ).toThrow('broken')
  await expect(context.run(load('a'), () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(context.current()).toBeUndefined()
})

test('run_frameThatHasEnded_surroundsNobody_evenWhileOthersAreOpen', async () => {
  const context = new UnitContext()
  const go = deferred<void>()
  const outer = load('outer')
  const inner = load('inner', outer)
  const seen: unknown[] = []
  let left: Promise<void> | undefined
  await context.run(outer, async () => {
    await context.run(inner, async () => {
      left = go.promise.then(() => {
        seen.push(context.current())
      })
    })
    go.resolve()
    await left
  })
  // The inner load is over, the outer one was not.
  expect(seen).toEqual([outer])
})

test('run_lazyThenable_isNotStarted', () => {
  const context = new UnitContext()
  let started = false
  const query = {
    // biome-ignore lint/suspicious/noThenProperty: what is tested
    then() {
      started = true
    },
  }
  expect(context.run(load('a'), () => query)).toBe(query)
  expect(started).toBe(false)
})

test('close_bodiesThatRun_stayInside_toTheirEnd', async () => {
  const context = new UnitContext()
  const frame = load('a')
  await context.run(frame, async () => {
    context.close()
    expect(context.current()).toBe(frame)
    await settle()
    expect(context.current()).toBe(frame)
    const inner = load('b', frame)
    expect(await context.run(inner, async () => context.current())).toBe(inner)
  })
  expect([context.current(), context.busy]).toEqual([undefined, false])
})

test('close_lazyThenables_keepNothingOn', () => {
  const query = {
    // biome-ignore lint/suspicious/noThenProperty: what is tested
    then() {},
  }
  const context = new UnitContext()
  context.run(load('a'), () => query)
  expect(context.busy).toBe(true)
  context.close()
  expect(context.busy).toBe(false)
  context.run(load('b'), () => query)
  expect(context.busy).toBe(false)
})

test('contexts_areApart', () => {
  const one = new UnitContext()
  const other = new UnitContext()
  one.run(load('a'), () => expect(other.current()).toBeUndefined())
})
