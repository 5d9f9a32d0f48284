import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))

/** Runs a program to its end, its output shown. @throws Error where it fails */
export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): void {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: see above.`)
}

/** Installs a folder's packages, unless they are those of its lock file already. Their install scripts are not run. */
export function installPackages(folder: string, compiled: readonly string[] = []): void {
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8')
  const installed = join(folder, 'node_modules/.installed')
  if (existsSync(installed) && readFileSync(installed, 'utf8') === lock) return
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder)
  for (const name of compiled) run('npm', ['rebuild', name], folder)
  writeFileSync(installed, lock)
}

/** Installs the database clients of this folder, and has Prisma generate its own. */
export function installClients(): void {
  installPackages(here, ['better-sqlite3'])
  // Its schema engine would be fetched, and is not needed to generate.
  const offline = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }
  run('npx', ['prisma', 'generate'], here, offline)
}
