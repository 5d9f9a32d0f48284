/**
 * Installs the database clients, and what the NestJS example needs, where that is needed, and runs the tests of this
 * folder with them.
 *
 * Their install scripts are not run: some would fetch programs from elsewhere. The one that has to be compiled is.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../..')
const nestjs = join(root, 'examples/nestjs')

const run = (command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) => {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } })
  if (status !== 0) process.exit(status ?? 1)
}

/** Installs a folder's packages, unless they are those of its lock file already. */
const install = (folder: string, compiled: readonly string[] = []) => {
  const lock = readFileSync(join(folder, 'package-lock.json'), 'utf8')
  const installed = join(folder, 'node_modules/.installed')
  if (existsSync(installed) && readFileSync(installed, 'utf8') === lock) return
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder)
  for (const name of compiled) run('npm', ['rebuild', name], folder)
  writeFileSync(installed, lock)
}

install(here, ['better-sqlite3'])
install(nestjs)
// Its schema engine would be fetched, and is not needed to generate.
const offline = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }
run('npx', ['prisma', 'generate'], here, offline)
run('npx', ['tsc', '--project', 'test/databases/tsconfig.json'], root)
run('npx', ['tsc', '--project', 'examples/nestjs/tsconfig.json'], root)
run('npx', ['vitest', 'run', '--config', 'test/databases/vitest.config.ts', ...process.argv.slice(2)], root)
