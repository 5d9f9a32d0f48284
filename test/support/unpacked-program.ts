import { access, constants, lstat, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unpackFromApt } from './apt-packages.ts'

/** A program of a package of Debian or Ubuntu. */
export interface PackagedProgram {
  /** Of its folder in the cache folder. */
  readonly name: string
  readonly packages: string[]
  /** Its path inside the package. */
  readonly program: string
}

/**
 * The path of a program unpacked from its packages into a cache folder, once per folder: without root, without
 * installing anything. Any number of processes may ask at the same time. Rejects where it cannot be had.
 */
export async function unpackedProgram({ name, packages, program }: PackagedProgram): Promise<string> {
  const cache = await cacheFolder()
  const target = join(cache, `${name}-${process.platform}-${process.arch}`)
  const launch = join(target, basename(program))
  if (await isExecutable(launch)) return launch

  const unpacking = await mkdtemp(join(cache, `${name}-unpacking-`))
  try {
    await unpackFromApt(packages, program, unpacking)
    await writeFile(join(unpacking, basename(program)), launcher(program), { mode: 0o755 })
    await rename(unpacking, target).catch(async (error) => {
      if (!(await isExecutable(launch))) throw error
    })
    return launch
  } finally {
    await rm(unpacking, { recursive: true, force: true })
  }
}

/** The path of one that has been unpacked already; undefined otherwise. */
export async function unpackedBefore({ name, program }: PackagedProgram): Promise<string | undefined> {
  const launch = join(await cacheFolder(), `${name}-${process.platform}-${process.arch}`, basename(program))
  return (await isExecutable(launch)) ? launch : undefined
}

/** The first of these programs that is in one of these folders. */
export async function findProgram(names: string[], folders: string[]): Promise<string | undefined> {
  for (const name of names) {
    for (const folder of folders) {
      if (folder && (await isExecutable(join(folder, name)))) return join(folder, name)
    }
  }
  return undefined
}

export function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** Becomes the unpacked program, under the same process id, with the libraries that were unpacked with it. */
function launcher(program: string): string {
  return `#!/bin/sh
here=$(dirname "$0")
for lib in "$here"/usr/lib/*-linux-* "$here"/lib/*-linux-*; do
  LD_LIBRARY_PATH="$lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
done
export LD_LIBRARY_PATH
exec "$here/${program}" "$@"
`
}

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
