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
  return [coherent, handWritten, ...(await Promise.all(PEERS.map(peerOf)))]
}

/** One of them; the packages of the others are not loaded. */
export async function contenderOf(name: string): Promise<ContenderKind> {
  const own = [coherent, handWritten].find((one) => one.name === name)
  if (own !== undefined) return own
  const found = PEERS.find((one) => one === name)
  if (found === undefined) throw new Error(`No contender is called ${name}.`)
  return peerOf(found)
}

async function peerOf(name: (typeof PEERS)[number]): Promise<ContenderKind> {
  const file = new URL(`../peers/${name}.ts`, import.meta.url).href
  return ((await import(file)) as { peer: ContenderKind }).peer
}
