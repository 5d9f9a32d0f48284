import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, type Options } from 'tsup'

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

const LOCALS = `${ROOT}/test/explorer/locals.ts`

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

/**
 * Puts a script and the library's sources into one file, which runs half as fast again as straight from the sources.
 *
 * @param script below `test`, without its ending
 * @param change what a source of the library reads instead, given its path below `src`
 * @returns the file
 */
export async function bundle(
  script: string,
  directory: string,
  change: (file: string, text: string) => string = (_, text) => text,
): Promise<string> {
  const name = script.replaceAll('/', '-')
  await build({
    config: false,
    silent: true,
    clean: false,
    dts: false,
    splitting: false,
    format: ['esm'],
    target: 'node20',
    platform: 'node',
    tsconfig: `${ROOT}/test/explorer/tsconfig.json`,
    entry: { [name]: `${ROOT}/test/${script}.ts` },
    outDir: directory,
    outExtension: () => ({ js: '.mjs' }),
    loader: { '.lua': 'text', '.sql': 'text' },
    noExternal: [/./],
    esbuildPlugins: [changedSources(change)],
  })
  return `${directory}/${name}.mjs`
}

/** Also gives them a storage of what surrounds somebody at a price that millions of worlds can pay. */
function changedSources(change: (file: string, text: string) => string): Plugin {
  return {
    name: 'changed-sources',
    setup({ onLoad }) {
      const start = `${ROOT}/src/`
      onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
        if (!path.startsWith(start)) return undefined
        const text = await readFile(path, 'utf8')
        const changed = change(path.slice(start.length), text)
        return { contents: changed.replaceAll("'node:async_hooks'", `'${LOCALS}'`), loader: 'ts' }
      })
    },
  }
}
