import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../peers/', import.meta.url))

/** Installs the libraries compared with, unless they are there: some 40 MB into `bench/peers/node_modules`. */
export function installPeers(): void {
  const lock = readFileSync(`${folder}package-lock.json`, 'utf8')
  const installed = `${folder}node_modules/.installed`
  if (existsSync(installed) && readFileSync(installed, 'utf8') === lock) return
  console.log('Installing the libraries compared with into bench/peers (npm ci, once).')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error('The libraries compared with could not be installed: see above.')
  writeFileSync(installed, lock)
}
