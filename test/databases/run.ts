/**
 * Installs the database clients, and what the NestJS example needs, where that is needed, and runs the tests of this
 * folder with them.
 *
 * Their install scripts are not run: some would fetch programs from elsewhere. The one that has to be compiled is.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installClients, installPackages, run } from './install.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

try {
  installClients()
  installPackages(join(root, 'examples/nestjs'))
  run('npx', ['tsc', '--project', 'test/databases/tsconfig.json'], root)
  run('npx', ['tsc', '--project', 'examples/nestjs/tsconfig.json'], root)
  const tests = ['vitest', 'run', '--config', 'test/databases/vitest.config.ts', ...process.argv.slice(2)]
  run('npx', tests, root)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
