import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const cache = fileURLToPath(new URL('../../node_modules/.cache/coherent-cache', import.meta.url))

/**
 * The path of a Node.js of this major version: the one that runs where it is that, else one from the npm packages
 * that hold the binaries of a platform, which need no install script. It is kept under `node_modules/.cache`.
 */
export async function findNode(major: number): Promise<string> {
  if (Number(process.versions.node.split('.', 1)[0]) === major) return process.execPath
  const node = join(cache, `node-${major}-${process.platform}-${process.arch}`)
  const present = await access(node).then(
    () => true,
    () => false,
  )
  return present ? node : await installNode(major, node)
}

async function installNode(major: number, target: string): Promise<string> {
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'node-installing-'))
  const platform = `${process.platform}-${process.arch}`
  const errors: unknown[] = []
  try {
    for (const name of [`node-${platform}`, `node-bin-${platform}`]) {
      try {
        await run('npm', ['install', '--prefix', folder, '--no-save', '--ignore-scripts', `${name}@${major}`])
        await rename(join(folder, 'node_modules', name, 'bin', 'node'), target)
        return target
      } catch (error) {
        errors.push(error)
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  throw new AggregateError(
    errors,
    `npm has no Node.js ${major} for ${platform}: ${errors.map(String).join('\n')}`,
  )
}
