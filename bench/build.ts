import { fileURLToPath } from 'node:url'
import { build, type Options } from 'tsup'
import config from '../tsup.config.ts'

/**
 * Builds the library as it is published into `bench/.build`, so that what is measured is neither the sources as a
 * loader rewrites them nor an old build. Cases reach it by the package's own name, through `tsconfig.built.json`; they
 * can be imported once this has resolved.
 */
export async function buildLibrary(): Promise<void> {
  await build({
    ...(config as Options),
    config: false,
    silent: true,
    format: ['esm'],
    dts: false,
    outDir: fileURLToPath(new URL('./.build', import.meta.url)),
  })
}
