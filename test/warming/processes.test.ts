import { afterEach, expect, inject, test } from 'vitest'
import { loseEverything, openClient, uniqueName } from '../support/redis-caches.ts'
import { until } from '../support/until.ts'
import {
  startWarmingMember,
  type WarmingMember,
  type WarmingMemberConfig,
} from '../support/warming-member.ts'

const members: WarmingMember[] = []
afterEach(async () => {
  for (const member of members) member.kill('SIGKILL')
  await Promise.all(members.splice(0).map(({ ended }) => ended))
})

async function start(size: number, config: Partial<WarmingMemberConfig> = {}) {
  const name = uniqueName()
  const whole = {
    port: inject('redisPort'),
    name,
    term: '1500ms',
    tenants: 40,
    loadMs: 25,
    ...config,
  } as const
  const started = await Promise.all(Array.from({ length: size }, () => startWarmingMember(whole)))
  members.push(...started)
  return { fleet: started, name }
}

async function leaders(fleet: readonly WarmingMember[]): Promise<WarmingMember[]> {
  const leads = await Promise.all(fleet.map((member) => member.ask('leads')))
  return fleet.filter((_, at) => leads[at])
}

/** The one member that leads, and the others. */
async function settled(fleet: readonly WarmingMember[]) {
  const leader = await until(async () => {
    const leading = await leaders(fleet)
    return leading.length === 1 && leading[0]
  }, 'one leads')
  return { leader, others: fleet.filter((member) => member !== leader) }
}

const everyTenant = Array.from({ length: 40 }, (_, orgId) => orgId)

test('one of three processes runs what another asks for, and all see it', { timeout: 60_000 }, async () => {
  const { fleet } = await start(3)
  const { leader, others } = await settled(fleet)
  await others[0]?.ask('start')
  for (const member of fleet) {
    const { last } = await until(async () => {
      const status = await member.ask('status')
      return status.last?.status === 'done' && status
    }, 'the run is done')
    expect(last).toMatchObject({ reason: 'asked', warmed: 40, attempt: 1 })
  }
  expect([...leader.loads].sort((a, b) => a - b)).toEqual(everyTenant)
  expect(others.flatMap(({ loads }) => loads)).toEqual([])
  for (const member of fleet) expect(await member.ask('health')).toMatchObject({ status: 'ok' })
})

test('a leader that is frozen is followed; when it wakes it does no harm', { timeout: 60_000 }, async () => {
  const { fleet } = await start(3)
  const { leader, others } = await settled(fleet)
  await leader.ask('start')
  await until(() => leader.loads.length >= 6, 'the run is under way')
  leader.kill('SIGSTOP')
  const { leader: next } = await settled(others)
  const { last } = await until(async () => {
    const status = await next.ask('status')
    return status.last?.status === 'done' && status
  }, 'the run is resumed and done')
  expect(last).toMatchObject({ reason: 'resumed', attempt: 2, failed: 0 })
  const before = next.terms.at(-1)
  expect(before?.fence).toBeGreaterThan(leader.terms[0]?.fence as number)
  const done = leader.loads.length

  leader.kill('SIGCONT')
  await until(() => leader.terms.at(-1)?.held === false, 'the frozen one has noticed')
  // What it had begun may have ended; it begins nothing more.
  expect(leader.loads.length - done).toBeLessThanOrEqual(2)
  expect((await leader.ask('status')).last).toEqual(last)
  expect((await leaders(fleet)).length).toBe(1)
  const loaded = fleet.flatMap(({ loads }) => loads)
  expect([...new Set(loaded)].sort((a, b) => a - b)).toEqual(everyTenant)
  // Those that were under way in the frozen process at most.
  expect(loaded.length).toBeLessThanOrEqual(44)
})

test('a leader that is killed is followed within its term', { timeout: 60_000 }, async () => {
  const { fleet } = await start(2, { cron: '* * * * * *', tenants: 2, loadMs: 1 })
  const { leader, others } = await settled(fleet)
  await until(async () => (await leader.ask('status')).runs >= 1, 'it has run')
  const killedAt = performance.now()
  leader.kill('SIGKILL')
  await leader.ended
  await settled(others)
  expect(performance.now() - killedAt).toBeLessThan(4_000)
  const { runs } = (await others[0]?.ask('status')) ?? { runs: 0 }
  await until(async () => ((await others[0]?.ask('status'))?.runs ?? 0) > runs, 'it runs on')
})

test('a leader that closes is followed sooner, and its process ends', { timeout: 60_000 }, async () => {
  const { fleet } = await start(2, { term: '6000ms' })
  const { leader, others } = await settled(fleet)
  const closedAt = performance.now()
  await leader.ask('close')
  await settled(others)
  expect(performance.now() - closedAt).toBeLessThan(4_500)
  expect(await leader.ended).toBe(0)
})

test('a Redis that lost everything is led anew, by one, under a greater fence', {
  timeout: 60_000,
}, async () => {
  const { fleet, name } = await start(2)
  const { leader } = await settled(fleet)
  const { fence } = leader.terms.at(-1) as { fence: number }
  await loseEverything(openClient(), name)
  const next = await until(
    () => fleet.flatMap(({ terms }) => terms).find((term) => term.held && term.fence > fence),
    'a new term',
  )
  expect(next.fence).toBeGreaterThan(fence)
  await settled(fleet)
})
