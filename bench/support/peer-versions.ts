import { readFileSync } from 'node:fs'

const ASIDE = ['esbuild', 'ioredis', 'ioredis6', 'lru-cache']

/** The packages of the libraries compared with, as they are pinned. */
export function peerVersions(): Record<string, string> {
  const file = readFileSync(new URL('../peers/package.json', import.meta.url), 'utf8')
  const { dependencies } = JSON.parse(file) as { dependencies: Record<string, string> }
  return Object.fromEntries(Object.entries(dependencies).filter(([name]) => !ASIDE.includes(name)))
}
