import { defineConfig } from 'tsup'
import { entries } from './scripts/entries.ts'

export default defineConfig({
  entry: {
    ...Object.fromEntries(entries.map(({ name, source }) => [name, source])),
    // What `bin` of package.json names.
    cli: 'src/cli/main.ts',
  },
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  // Entry points share their code, in CommonJS too: a second copy of it would be a second set of classes.
  splitting: true,
  treeshake: true,
  skipNodeModulesBundle: true,
  sourcemap: true,
  clean: true,
  removeNodeProtocol: false,
  loader: { '.lua': 'text', '.sql': 'text' },
  // tsup sets `baseUrl` for its declaration build, which TypeScript 6 reports as deprecated.
  dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
})
