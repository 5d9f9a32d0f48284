import { AsyncLocalStorage } from 'node:async_hooks'
import { CacheError, show } from '../core/errors.ts'
import type { TenantScope } from './tenant-scope.ts'

/** Keeps a registry for as long as the runtime keeps the storage, which is until that is switched off. */
class Storage extends AsyncLocalStorage<TenantScope | undefined> {
  readonly registry = new FinalizationRegistry<undefined>(() => this.disable())
}

/**
 * The scope that the code runs in. Made when it is first used, and never switched off while there is a cache to read, closed
 * or not: what a request leaves behind must stay confined, however late it runs.
 */
export class ScopeContext {
  readonly #storage = new Storage()

  /** @param cache Once nobody has it any more, nobody can read through it, and what scopes cost the process ends. */
  constructor(cache: object) {
    this.#storage.registry.register(cache, undefined)
  }

  current(): TenantScope | undefined {
    return this.#storage.getStore()
  }

  /** @throws CacheError `OUT_OF_SCOPE` inside the scope of another tenant. */
  run<T>(scope: TenantScope, body: () => T): T {
    const around = this.current()
    if (around !== undefined && !around.holds(scope)) {
      throw new CacheError(
        'OUT_OF_SCOPE',
        `runInScope: ${show(scope.scope)} inside the scope of ${show(around.scope)}. A scope cannot be left from inside.`,
      )
    }
    return this.#storage.run(scope, body)
  }
}
