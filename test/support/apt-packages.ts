import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Unpacks a program from the packages of Debian or Ubuntu into `folder`, with the shared libraries it needs and
 * this machine has not: without root, without installing anything, without starting a service.
 *
 * Rejects where a package cannot be downloaded or a library is still missing; `folder` may then be half full.
 *
 * @param program The path of the program inside its package, such as `usr/bin/redis-server`.
 */
export async function unpackFromApt(packages: string[], program: string, folder: string): Promise<void> {
  const downloads = await mkdtemp(join(folder, 'downloads-'))
  // As root, apt downloads as a user of its own, who has to be able to write here.
  await chmod(folder, 0o755)
  await chmod(downloads, 0o777)
  try {
    const apt = new Apt(downloads)
    await apt.unpack(packages, folder)
    if ((await missingLibraries(folder, program)).length === 0) return
    await apt.unpack(await apt.librariesOf(packages), folder)
    const missing = await missingLibraries(folder, program)
    if (missing.length > 0) throw new Error(`${program} lacks ${missing.join(', ')}`)
  } finally {
    await rm(downloads, { recursive: true })
  }
}

class Apt {
  /** Options that point apt to package lists of our own, once those of the machine have failed. */
  #lists: string[] = []

  constructor(readonly folder: string) {}

  async unpack(packages: string[], into: string): Promise<void> {
    try {
      await this.#download(packages)
    } catch (error) {
      if (this.#lists.length > 0) throw error
      await this.#fetchLists()
      await this.#download(packages)
    }
    for (const file of await readdir(this.folder)) {
      if (file.endsWith('.deb')) await run('dpkg', ['-x', join(this.folder, file), into])
    }
  }

  /** All that `packages` depend on and that is a library, except what every system has. */
  async librariesOf(packages: string[]): Promise<string[]> {
    const kinds = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances']
    const options = [...this.#lists, '--recurse', ...kinds.map((kind) => `--no-${kind}`)]
    const { stdout } = await run('apt-cache', ['depends', ...options, ...packages])
    return stdout
      .split('\n')
      .filter((name) => /^(lib|lua)[^:]+$/.test(name) && !/^lib(c6|pam|perl)/.test(name))
  }

  async #download(packages: string[]): Promise<void> {
    await run('apt-get', [...this.#lists, 'download', ...packages], { cwd: this.folder })
  }

  /** The lists of this machine are missing or out of date, and only root may fetch those. */
  async #fetchLists(): Promise<void> {
    const [lists, cache] = [join(this.folder, 'lists'), join(this.folder, 'cache')]
    await mkdir(join(lists, 'partial'), { recursive: true })
    await mkdir(join(cache, 'archives', 'partial'), { recursive: true })
    const folders = { 'Dir::State::lists': lists, 'Dir::Cache': cache, 'APT::Sandbox::User': 'root' }
    this.#lists = Object.entries(folders).flatMap(([name, value]) => ['-o', `${name}=${value}`])
    await run('apt-get', [...this.#lists, 'update'], { cwd: this.folder })
  }
}

async function missingLibraries(folder: string, program: string): Promise<string[]> {
  const env = { ...process.env, LD_LIBRARY_PATH: (await libraryFolders(folder)).join(':') }
  const { stdout } = await run('ldd', [join(folder, program)], { env })
  return stdout.split('\n').flatMap((line) => /^\s*(\S+) => not found/.exec(line)?.[1] ?? [])
}

/** Where the unpacked libraries lie. */
async function libraryFolders(folder: string): Promise<string[]> {
  const folders: string[] = []
  for (const parent of ['usr/lib', 'lib']) {
    const names = await readdir(join(folder, parent)).catch(() => [])
    folders.push(
      ...names.filter((name) => name.includes('-linux-')).map((name) => join(folder, parent, name)),
    )
  }
  return folders
}
