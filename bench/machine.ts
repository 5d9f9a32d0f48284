import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'

/** What the figures were measured with. No names of machines, users or folders. */
export interface Machine {
  readonly date: string
  readonly cores: number
  /** Processes that wanted to run, in the minute before it began: more than cores, and times are rough. */
  readonly busy: number
  readonly processor: string
  readonly system: string
  readonly node: string
  readonly redis: string | undefined
  readonly packages: Readonly<Record<string, string>>
}

const MEASURED_PACKAGES = ['lru-cache', 'ioredis']

/** @param peers versions of libraries compared with, besides this repository's own packages */
export function describeMachine(
  redis: string | undefined,
  peers: Readonly<Record<string, string>> = {},
  busy = busyness(),
): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: availableParallelism(),
    busy,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    system: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    redis,
    packages: { ...peers, ...Object.fromEntries(MEASURED_PACKAGES.map((name) => [name, versionOf(name)])) },
  }
}

export function busyness(): number {
  return Math.round(10 * (loadavg()[0] ?? 0)) / 10
}

function versionOf(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
