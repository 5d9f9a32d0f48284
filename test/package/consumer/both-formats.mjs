// Two copies of the package in one process, one per format, understand each other's keys, maps, caches and errors.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import * as esm from 'coherent-cache'

const cjs = createRequire(import.meta.url)('coherent-cache')
assert.notEqual(esm.createCache, cjs.createCache)

for (const [one, other] of [
  [esm, cjs],
  [cjs, esm],
]) {
  const keys = other.defineKeys({ user: 'user:{id}' })
  const dependencies = other.defineDependencies({ tables: { users: ['user:{id}'] } })
  const cache = one.createCache({ name: one === esm ? 'esm' : 'cjs', keys, dependencies })
  let loads = 0
  const read = () => cache.get(keys.user({ id: 7 }), () => ++loads)

  assert.equal(await read(), 1)
  assert.equal(await read(), 1)
  await cache.invalidate({ table: 'users', operation: 'insert', rows: [{ id: 8 }] })
  assert.equal(await read(), 1)
  await cache.invalidate({ table: 'users', operation: 'insert', rows: [{ id: 7 }] })
  assert.equal(await read(), 2)

  assert.throws(() => one.defineDependencies({ tables: {}, views: { v: ['nowhere'] } }), other.isCacheError)
  await cache.close()
}
