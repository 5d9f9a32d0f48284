/**
 * Imports `.lua` and `.sql` files as text when a script runs straight from the sources:
 * `tsx --import ./scripts/text-loader.mjs script.ts`.
 */
import { readFile } from 'node:fs/promises'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) register(import.meta.url)

/** @type {import('node:module').LoadHook} */
export async function load(url, context, nextLoad) {
  const file = url.split('?', 1)[0]
  if (!/^file:.*\.(lua|sql)$/.test(file)) return nextLoad(url, context)
  const text = await readFile(new URL(file), 'utf8')
  return { format: 'module', source: `export default ${JSON.stringify(text)}`, shortCircuit: true }
}
