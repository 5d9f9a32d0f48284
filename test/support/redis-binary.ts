import { delimiter } from 'node:path'
import {
  findProgram,
  isExecutable,
  type PackagedProgram,
  unpackedBefore,
  unpackedProgram,
} from './unpacked-program.ts'

const serverNames = ['redis-server', 'valkey-server']
const packaged: PackagedProgram = {
  name: 'redis',
  packages: ['redis-server', 'redis-tools'],
  program: 'usr/bin/redis-server',
}

/** The path of a server that is here already, without fetching one; undefined where there is none. */
export async function redisServerAtHand(): Promise<string | undefined> {
  const named = process.env.REDIS_SERVER
  if (named) return (await isExecutable(named)) ? named : undefined
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/opt/homebrew/bin', '/usr/local/bin']
  return (await findProgram(serverNames, folders)) ?? (await unpackedBefore(packaged))
}

/**
 * The path of a Redis or Valkey server: `REDIS_SERVER`, then `redis-server` or `valkey-server` from PATH, then,
 * on Debian and Ubuntu, a copy unpacked from the distribution's packages into a cache folder, which needs no
 * root and starts no service; then Homebrew's folders.
 *
 * Rejects with the command that installs one where there is none.
 */
export async function findRedisServer(): Promise<string> {
  const named = process.env.REDIS_SERVER
  if (named) {
    if (await isExecutable(named)) return named
    throw new Error(`REDIS_SERVER names ${named}, which is not an executable file.`)
  }
  const installed = await findProgram(serverNames, (process.env.PATH ?? '').split(delimiter))
  if (installed) return installed

  let cause: unknown
  if (await findProgram(['apt-get'], ['/usr/bin'])) {
    try {
      return await unpackedProgram(packaged)
    } catch (error) {
      cause = error
    }
  }
  const brewed = await findProgram(serverNames, ['/opt/homebrew/bin', '/usr/local/bin'])
  if (brewed) return brewed
  throw new Error(
    `The tests need a real Redis 6.2 or newer, or Valkey, and found neither. Install one with: ${await installer()}. ` +
      'Or name its server in the environment variable REDIS_SERVER.',
    { cause },
  )
}

async function installer(): Promise<string> {
  if (process.platform === 'darwin') return 'brew install redis'
  if (process.platform === 'win32') return 'wsl --install, then run the tests inside it'
  const commands = {
    'apt-get': 'sudo apt-get update && sudo apt-get install redis-server',
    dnf: 'sudo dnf install valkey',
    apk: 'sudo apk add redis',
    pacman: 'sudo pacman -S valkey',
    zypper: 'sudo zypper install redis',
  }
  for (const [tool, command] of Object.entries(commands)) {
    if (await findProgram([tool], ['/usr/bin', '/bin', '/sbin'])) return command
  }
  return 'the package manager of this system (the package is called redis or valkey)'
}
