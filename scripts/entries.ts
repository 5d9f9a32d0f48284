import { readFileSync } from 'node:fs'

const read = (file: string) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
const packageName: string = read('package.json').name
const exported = Object.keys(read('package.json').exports).filter((name) => name !== './package.json')
const paths: Record<string, [string]> = read('tsconfig.json').compilerOptions.paths

/**
 * The package's entry points: the name a user imports, and the source file behind it.
 *
 * `paths` in `tsconfig.json` is the only list of sources. An entry that has a path but is not exported by
 * `package.json`, or the other way round, is refused here, so that neither can be forgotten.
 */
export const entries: readonly { specifier: string; name: string; source: string }[] = Object.entries(
  paths,
).map(([specifier, [source]]) => ({
  specifier,
  name: specifier === packageName ? 'index' : specifier.slice(packageName.length + 1),
  source,
}))

const mapped = entries.map(({ name }) => (name === 'index' ? '.' : `./${name}`))
const mismatch = [
  ...mapped
    .filter((name) => !exported.includes(name))
    .map((name) => `"${name}" is not in package.json "exports"`),
  ...exported
    .filter((name) => !mapped.includes(name))
    .map((name) => `"${name}" is not in tsconfig.json "paths"`),
]
if (mismatch.length > 0) throw new Error(`The entry points disagree: ${mismatch.join('; ')}`)
