import { readFile } from 'node:fs/promises'
import type { Plugin } from 'vitest/config'

/** Imports `.lua` and `.sql` files as text in Vite and Vitest, as the build does with esbuild's text loader. */
export function textModules(): Plugin {
  return {
    name: 'text-modules',
    enforce: 'pre',
    async load(id) {
      if (!/\.(lua|sql)$/.test(id)) return null
      return { code: `export default ${JSON.stringify(await readFile(id, 'utf8'))}`, moduleType: 'js' }
    },
  }
}
