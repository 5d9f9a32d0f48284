import {
  type Cache,
  type CacheOptions,
  createCache,
  defineDependencies,
  defineKeys,
  type,
} from 'coherent-cache'
import { manualClock, memoryStore, settle } from 'coherent-cache/testing'
import { expect, test } from 'vitest'
import { deferred, openCache } from '../support/caches.ts'

const keys = defineKeys({ seats: { key: 'seats:{show}', value: type<number>(), ttl: '1h' } })
const dependencies = defineDependencies({ tables: { bookings: ['seats:{show}'] } })
const show = keys.seats({ show: 7 })
const booked = { table: 'bookings', rows: [{ show: 7 }], operation: 'insert' } as const

/** A writer that stays with the old primary, and a reader that follows the failover. */
async function torn(options: Pick<CacheOptions, 'failoverWindow' | 'onStoreRestart'> = {}) {
  const clock = manualClock()
  const store = memoryStore({ clock })
  const both = { name: 'box-office', keys, dependencies, store, clock, ...options } as const
  const { cache: writer } = openCache({ ...both, instance: 'writer' })
  const { cache: reader } = openCache({ ...both, instance: 'reader' })
  await Promise.all([writer.ready(), reader.ready()])
  return { clock, store, writer, reader }
}

const only = (instance: string) => (process: string) => process.includes(`#${instance}@`)

/** The reader begins to load on the new primary, the writer commits and tells the old one, the reader fills. */
async function lose({ store, writer, reader }: Awaited<ReturnType<typeof torn>>) {
  await writer.invalidate(booked)
  const follow = store.split()
  follow(only('reader'))
  const database = deferred<number>()
  const loading = reader.get(show, () => database.promise)
  await settle()
  const receipt = await writer.invalidate(booked)
  expect(receipt.status).toBe('applied')
  database.resolve(100)
  expect(await loading).toBe(100)
  expect(await reader.get(show, () => 99)).toBe(100)
  return follow
}

test('a change that only the old primary heard is told again at the first sight of the new one', async () => {
  const fleet = await torn()
  const follow = await lose(fleet)
  const degraded: string[] = []
  fleet.writer.on('degraded', ({ reason }) => degraded.push(reason))
  follow(only('writer'))
  await settle()
  expect(await fleet.reader.get(show, () => 99)).toBe(99)
  expect(degraded).toEqual([])
})

test('the process that made the change never reads behind it, not in the first reply either', async () => {
  const fleet = await torn()
  const follow = await lose(fleet)
  follow(only('writer'))
  expect(await fleet.writer.get(show, () => 99)).toBe(99)
  await settle()
  expect(await fleet.writer.get(show, () => 99)).toBe(99)
})

test('an idle process tells it as soon as it is connected, without being asked to do anything', async () => {
  const fleet = await torn()
  const follow = await lose(fleet)
  await fleet.clock.advance(30_000)
  expect(await fleet.reader.get(show, () => 98)).toBe(100)
  follow(only('writer'))
  await settle()
  expect(await fleet.reader.get(show, () => 98)).toBe(98)
})

test('after the window the change is forgotten, as documented', async () => {
  const fleet = await torn({ failoverWindow: '10s' })
  const follow = await lose(fleet)
  await fleet.clock.advance(13_000)
  follow(only('writer'))
  await settle()
  expect(await fleet.reader.get(show, () => 99)).toBe(100)
})

test('a process that has changed nothing lately takes a new epoch for what it is, without an outage', async () => {
  const fleet = await torn()
  const degraded: string[] = []
  fleet.reader.on('degraded', ({ reason }) => degraded.push(reason))
  fleet.store.flush()
  expect(await fleet.reader.get(show, () => 1)).toBe(1)
  await settle()
  expect(await fleet.reader.get(show, () => 2)).toBe(1)
  expect(degraded).toEqual([])
})

test('a change under way counts: one partition may be lost while another has not answered', async () => {
  const clock = manualClock()
  const steps: (() => void)[] = []
  let held = false
  const store = memoryStore({
    clock,
    schedule: (step, _, process) => {
      if (held && only('writer')(process)) steps.push(step)
      else queueMicrotask(step)
    },
  })
  const both = { name: 'box-office', keys, dependencies, store, clock } as const
  const { cache: writer } = openCache({ ...both, instance: 'writer' })
  const { cache: reader } = openCache({ ...both, instance: 'reader' })
  await Promise.all([writer.ready(), reader.ready()])
  await writer.get(show, () => 100)
  held = true
  const invalidating = writer.invalidate(booked)
  await settle()
  const follow = store.split()
  follow(() => true)
  expect(await reader.get(show, () => 100)).toBe(100)
  held = false
  for (const step of steps.splice(0)) step()
  expect((await invalidating).status).toBe('queued')
  await settle()
  await clock.advance(100)
  expect(await reader.get(show, () => 99)).toBe(99)
})

test('a change under way counts: the store has answered, and its writer still waits for others to hear of it', async () => {
  const clock = manualClock()
  const acknowledgements: (() => void)[] = []
  let held = false
  const store = memoryStore({
    clock,
    // The old primary and who stays there: its message for that one does not arrive, so nobody acknowledges.
    schedule: (step, what, process) => {
      if (held && what === 'message' && only('bystander')(process)) acknowledgements.push(step)
      else queueMicrotask(step)
    },
  })
  const both = { name: 'box-office', keys, dependencies, store, clock, consistency: 'strict' } as const
  const [writer, reader, bystander] = ['writer', 'reader', 'bystander'].map(
    (instance) => openCache({ ...both, instance }).cache,
  ) as [Cache, Cache, Cache]
  await Promise.all([writer, reader, bystander].map((cache) => cache.ready()))
  const follow = store.split()
  follow(only('reader'))
  // Locks may have been lost: nothing is kept on the new primary for as long as one lives.
  await clock.advance(10_000)
  expect(await reader.get(show, () => 100)).toBe(100)
  expect(await reader.get(show, () => 99)).toBe(100)
  await bystander.get(show, () => 100)
  held = true
  const invalidating = writer.invalidate(booked)
  await settle()
  expect(acknowledgements).toHaveLength(1)
  follow(only('writer'))
  await settle()
  await clock.advance(2_000)
  expect((await invalidating).status).toBe('applied')
  expect(await reader.get(show, () => 99, { freshness: 'committed' })).toBe(99)
  expect(await writer.get(show, () => 99)).toBe(99)
})

test('with onStoreRestart trust, what a restarted store kept is believed, and it is a setting of the namespace', async () => {
  const { store, writer, reader, clock } = await torn({ onStoreRestart: 'trust' })
  await writer.get(show, () => 100)
  const promote = store.replica()
  promote()
  await clock.advance(2_000)
  expect(await reader.get(show, () => 99)).toBe(100)
  const distrusting = createCache({ name: 'box-office', instance: 'other', store, clock })
  await expect(distrusting.ready()).rejects.toMatchObject({ code: 'SETTINGS_MISMATCH' })
  await distrusting.close({ timeout: 0 })
})

test('other settings begin a new epoch once the old ones have lapsed', async () => {
  const clock = manualClock()
  const store = memoryStore({ clock })
  const both = { name: 'box-office', keys, dependencies, store, clock } as const
  const { cache: before } = openCache({ ...both, instance: 'before', onStoreRestart: 'trust' })
  await before.ready()
  expect(await before.get(show, () => 100)).toBe(100)
  await before.close({ timeout: 0 })
  await clock.advance(61_000)
  const { cache: after } = openCache({ ...both, instance: 'after' })
  await after.ready()
  expect(await after.get(show, () => 99)).toBe(99)
})
