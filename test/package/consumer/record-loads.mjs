// Registers itself as a loader that appends the URL of every module that is loaded to the file in LOADED_MODULES.
import { appendFileSync } from 'node:fs'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) register(import.meta.url)

export async function load(url, context, nextLoad) {
  appendFileSync(process.env.LOADED_MODULES, `${url}\n`)
  return nextLoad(url, context)
}
