import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Node.js 20 keeps every AsyncLocalStorage that has ever run something, and asks each of them at every promise, until
 * it is disabled. A world has some, and there are millions of worlds.
 */
const used = new Set<AsyncLocalStorage<unknown>>()
const run = AsyncLocalStorage.prototype.run as (this: AsyncLocalStorage<unknown>, ...args: never[]) => unknown

AsyncLocalStorage.prototype.run = function (this: AsyncLocalStorage<unknown>, ...args: never[]) {
  used.add(this)
  return run.apply(this, args)
} as typeof AsyncLocalStorage.prototype.run

export function forgetLocals(): void {
  for (const locals of used) locals.disable()
  used.clear()
}
