import { setTimeout as sleep } from 'node:timers/promises'
import type { ContenderKind } from '../support/contender.ts'
import { ContenderProcess } from '../support/contender-process.ts'

const LONG_PAUSE_MS = 1_500
const AT_ONCE_MS = 50
const AT_THE_END_MS = 2_500

interface Race {
  readonly of: 'key' | 'group'
  /** Where the load runs, seen from who invalidates. */
  readonly load: 'same' | 'other'
  /** Between the acknowledged invalidation and the end of the load. */
  readonly pauseMs: number
}

export interface StaleFills {
  readonly races: number
  /** Races after which some process answered with the old value. */
  readonly stale: number
  /** … and still did, seconds later. */
  readonly staleAtEnd: number
  /** Of the invalidations of this kind: reads begun after it that were given the older load's value. */
  readonly joined: number
  readonly joinRaces: number
}

/**
 * A load has read its row and has not ended; the row changes and the invalidation is acknowledged; the load ends. Does
 * the old value stay? Loads end when they are told to, so that each race happens as it is written here.
 */
export async function staleFills(kind: ContenderKind, port: number): Promise<StaleFills> {
  const processes = [new ContenderProcess(), new ContenderProcess()] as const
  const kinds = kind.groups ? (['key', 'group'] as const) : (['key'] as const)
  try {
    for (const one of processes) {
      for (const of of kinds)
        await one.open(of, kind.name, { port, memory: true, groups: of === 'group', maxEntries: 10_000 })
    }
    const races = kinds.flatMap((of) =>
      (['same', 'other'] as const).flatMap((load) =>
        [0, LONG_PAUSE_MS].map((pauseMs): Race => ({ of, load, pauseMs })),
      ),
    )
    const ended = await Promise.all(races.map((race, at) => run(race, at, processes)))
    const joins: boolean[] = []
    for (const of of kinds) joins.push(await joinsOlderLoad(of, processes[0]))
    return {
      races: races.length,
      stale: ended.filter(({ atOnce }) => atOnce).length,
      staleAtEnd: ended.filter(({ atEnd }) => atEnd).length,
      joined: joins.filter(Boolean).length,
      joinRaces: joins.length,
    }
  } finally {
    for (const one of processes) await one.end()
  }
}

async function run(
  { of, load, pauseMs }: Race,
  at: number,
  [writer, other]: readonly [ContenderProcess, ContenderProcess],
) {
  const group = `race${at}`
  const key = `item:${group}:1`
  const held = await (load === 'same' ? writer : other).hold(of, key, group, 1)
  await writer.invalidate(of, group, of === 'key' ? key : undefined)
  await sleep(pauseMs)
  await held.release()
  const isOld = async () => {
    const versions = await Promise.all([writer, other].map((one) => one.read(of, key, group, 2)))
    return versions.some((version) => version < 2)
  }
  await sleep(AT_ONCE_MS)
  const atOnce = await isOld()
  await sleep(AT_THE_END_MS)
  return { atOnce, atEnd: await isOld() }
}

/** Whether a read begun after the invalidation, in the same process, is given the value of a load begun before it. */
async function joinsOlderLoad(of: 'key' | 'group', process: ContenderProcess): Promise<boolean> {
  const group = `join-${of}`
  const key = `item:${group}:1`
  const held = await process.hold(of, key, group, 1)
  await process.invalidate(of, group, of === 'key' ? key : undefined)
  const late = process.read(of, key, group, 2)
  // Orders arrive in turn: by the release, the late read has been sent.
  await sleep(AT_ONCE_MS)
  await held.release()
  return (await late) < 2
}
