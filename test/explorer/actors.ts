import type { ReadOptions } from 'coherent-cache'
import { fillOne, peekOne, readMany, readOne } from './readers.ts'
import type { Actor, Deed } from './scenario.ts'
import type { World } from './world.ts'
import { writeAlone, writeInUnit } from './writers.ts'

const STALE: ReadOptions = { staleWhileRevalidate: '1h', staleIfError: '1h', timeout: { soft: 5 } }

/** Begins an actor's life. Every deed begins at a step of its own. */
export function begin(world: World, { name, process, deeds }: Actor): void {
  const chain = world.steps.newChain()
  world.live(process, async () => {
    for (const deed of deeds) {
      await world.turn(process, () => `${name} begins ${describe(deed)}`, chain)
      await perform(world, process, name, deed)
    }
  })
}

async function perform(world: World, process: string, by: string, deed: Deed): Promise<void> {
  switch (deed.do) {
    case 'get':
    case 'getEntry':
      return readOne(world, deed.key, { process, by, freshness: deed.freshness }, deed.do)
    case 'follow': {
      const { token, write } = world.token ?? {}
      return readOne(world, deed.key, { process, by, token, behind: write === undefined ? [] : [write] })
    }
    case 'stale':
      return readOne(world, deed.key, { process, by, options: STALE })
    case 'getMany':
      return readMany(world, deed.keys, { process, by, freshness: deed.freshness })
    case 'peek':
      return peekOne(world, deed.key, { process, by })
    case 'fill':
      return fillOne(world, deed.key, { process, by })
    case 'unit':
      return writeInUnit(world, process, by, deed)
    case 'write':
      return writeAlone(world, process, deed.row, deed.told)
    case 'start':
      return world.start(deed.process, deed.map)
  }
}

function describe({ do: what, ...details }: Deed): string {
  return `${what} ${Object.values(details).flat().join(' ')}`
}
