// Every entry point can be imported and required, and has the same names either way.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

for (const specifier of process.argv.slice(2)) {
  const imported = Object.keys(await import(specifier))
  const required = Object.keys(require(specifier))
  assert.ok(imported.length > 0, `${specifier} exports nothing`)
  assert.deepEqual(required.sort(), imported.sort(), specifier)
}
