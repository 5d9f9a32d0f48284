import { access, constants, lstat, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unpackFromApt } from './apt-packages.ts'

const serverNames = ['redis-server', 'valkey-server']

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
      return await unpackedServer()
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

/** Unpacks a server once per cache folder. Any number of processes may do so at the same time. */
async function unpackedServer(): Promise<string> {
  const cache = await cacheFolder()
  const target = join(cache, `redis-${process.platform}-${process.arch}`)
  const server = join(target, 'redis-server')
  if (await isExecutable(server)) return server

  const unpacking = await mkdtemp(join(cache, 'redis-unpacking-'))
  try {
    await unpackFromApt(['redis-server', 'redis-tools'], 'usr/bin/redis-server', unpacking)
    await writeFile(join(unpacking, 'redis-server'), launcher, { mode: 0o755 })
    await rename(unpacking, target).catch(async (error) => {
      if (!(await isExecutable(server))) throw error
    })
    return server
  } finally {
    await rm(unpacking, { recursive: true, force: true })
  }
}

/** Becomes the unpacked server, under the same process id, with the libraries that were unpacked with it. */
const launcher = `#!/bin/sh
here=$(dirname "$0")
for lib in "$here"/usr/lib/*-linux-* "$here"/lib/*-linux-*; do
  LD_LIBRARY_PATH="$lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
done
export LD_LIBRARY_PATH
exec "$here/usr/bin/redis-server" "$@"
`

/** `node_modules/.cache`, or a folder of this user's own where that cannot be written to. */
async function cacheFolder(): Promise<string> {
  const shared = fileURLToPath(new URL('../../node_modules/.cache/coherent-cache', import.meta.url))
  if (await isWritable(shared)) return shared
  const own = join(tmpdir(), `coherent-cache-${userInfo().uid}`)
  if ((await isWritable(own)) && (await lstat(own)).uid === userInfo().uid) return own
  throw new Error(`Neither ${shared} nor ${own} can be written to.`)
}

async function isWritable(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 })
    await access(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

async function findProgram(names: string[], folders: string[]): Promise<string | undefined> {
  for (const name of names) {
    for (const folder of folders) {
      if (folder && (await isExecutable(join(folder, name)))) return join(folder, name)
    }
  }
  return undefined
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
