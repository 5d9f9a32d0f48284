import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CacheError } from '../core/errors.ts'

/** Loads a module as a file in `cwd` would: by its path, or a package that is installed there. */
export async function loadModule(name: string, cwd: string): Promise<Readonly<Record<string, unknown>>> {
  const { resolve } = createRequire(pathToFileURL(join(cwd, 'module.js')))
  let path: string
  try {
    path = resolve(name)
  } catch (error) {
    throw new CacheError('INVALID_ARGUMENT', `There is no module ${JSON.stringify(name)} for ${cwd}.`, {
      cause: error,
    })
  }
  return await import(pathToFileURL(path).href)
}

/** What a module gives by default; of one that was compiled to CommonJS, what stands there as its default. */
export function defaultOf(loaded: Readonly<Record<string, unknown>>): unknown {
  const { default: first } = loaded
  const { __esModule: compiled, default: second } = (first ?? {}) as Readonly<Record<string, unknown>>
  return compiled === true ? second : first
}
