/** Plays the conformance suite on `node:sqlite`, in a Node.js that has it, and prints what failed as JSON. */
import { databaseConformance } from 'coherent-cache/testing'
import { conformanceCache } from '../../support/conformance-cache.ts'
import { SqliteFiles } from './sqlite-harness.ts'

// Not known to the types of the oldest Node.js that we support.
const { DatabaseSync } = process.getBuiltinModule('node:sqlite' as 'node:fs') as unknown as {
  DatabaseSync: new (
    file: string,
  ) => ConstructorParameters<typeof SqliteFiles>[0] extends (file: string) => infer C ? C : never
}
const files = new SqliteFiles((file) => new DatabaseSync(file))
const failed: Record<string, string> = {}
let played = 0
for (const { name, run } of databaseConformance(() => files.underTest(conformanceCache))) {
  played++
  await run().catch((error: unknown) => {
    failed[name] = String(error)
  })
}
files.close()
console.log(JSON.stringify({ played, failed }))
