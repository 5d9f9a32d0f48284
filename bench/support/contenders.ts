import { readFileSync } from 'node:fs'
import { coherent } from './coherent.ts'
import type { ContenderKind } from './contender.ts'
import { handWritten } from './hand-written.ts'

/** Files in `bench/peers`, whose packages are not those of this repository: they are reached only when they are needed. */
const PEERS = [
  'bentocache',
  'cacheable',
  'cache-manager',
  'async-cache-dedupe',
  'layered-loader',
  'cachified',
  'ocache',
] as const

/** Everybody, this library first. The packages of `bench/peers` have to be installed (`installPeers`). */
export async function allContenders(): Promise<readonly ContenderKind[]> {
  const peers = await Promise.all(
    PEERS.map(async (name) => {
      const file = new URL(`../peers/${name}.ts`, import.meta.url).href
      return ((await import(file)) as { peer: ContenderKind }).peer
    }),
  )
  return [coherent, handWritten, ...peers]
}

/** One of them. */
export async function contenderOf(name: string): Promise<ContenderKind> {
  const found = (await allContenders()).find((one) => one.name === name)
  if (found === undefined) throw new Error(`No contender is called ${name}.`)
  return found
}

/** The packages of the peers, as they are pinned. */
export function peerVersions(): Record<string, string> {
  const file = readFileSync(new URL('../peers/package.json', import.meta.url), 'utf8')
  return (JSON.parse(file) as { dependencies: Record<string, string> }).dependencies
}
