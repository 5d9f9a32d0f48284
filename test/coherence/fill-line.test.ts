import { manualClock, settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { boundedStore } from '../../src/coherence/bounded-store.ts'
import { FillLine } from '../../src/coherence/fill-line.ts'

const REPLY = { stored: true, unclaimed: false }

/** A line in which `count` fills are, each ended by its number. */
function lineOf(count: number) {
  const line = new FillLine()
  const sent: number[] = []
  const ends: ((error?: unknown) => void)[] = []
  const outcomes: string[] = []
  for (let at = 0; at < count; at++) {
    const filled = line.run((onEnd) => {
      sent.push(at)
      return new Promise((resolve, reject) => {
        ends[at] = (error) => {
          onEnd(error)
          if (error === undefined) resolve(REPLY as never)
          else reject(error)
        }
      })
    })
    filled.then(
      () => outcomes.push(`${at} stored`),
      (error) => outcomes.push(`${at} ${error.message}`),
    )
  }
  return { sent, ends, outcomes }
}

test('256 fills are under way at once; each that ends sends the oldest that waits', async () => {
  const { sent, ends, outcomes } = lineOf(259)
  expect(sent).toHaveLength(256)
  ends[7]?.()
  ends[3]?.()
  await settle()
  expect(sent.slice(256)).toEqual([256, 257])
  ends[256]?.()
  await settle()
  expect(sent.slice(256)).toEqual([256, 257, 258])
  expect(outcomes).toEqual(['7 stored', '3 stored', '256 stored'])
})

test('those that wait fail with one that fails, and are never sent', async () => {
  const { sent, ends, outcomes } = lineOf(258)
  ends[0]?.(new Error('away'))
  await settle()
  expect(outcomes.sort()).toEqual(['0 away', '256 away', '257 away'])
  for (const end of ends.slice(1, 256)) end()
  await settle()
  expect(sent).toHaveLength(256)
})

test('of a store that hangs no more are sent, and none is waited for beyond the time of one', async () => {
  const clock = manualClock()
  let sent = 0
  const hangs = () => {
    sent++
    return new Promise<never>(() => {})
  }
  const { fill } = boundedStore({ fill: hangs } as never, clock, 200)
  const codes: string[] = []
  for (let at = 0; at < 300; at++) fill({} as never).catch(({ code }) => codes.push(code))
  await clock.advance(200)
  await settle()
  expect([sent, codes.length, new Set(codes)]).toEqual([256, 300, new Set(['STORE_UNAVAILABLE'])])
})
