import { defineConfig, mergeConfig } from 'vitest/config'
import root from '../../vitest.config.ts'

const { test, ...rest } = root

/** The suites that need the database clients: in this folder, on the servers of the root and a MariaDB. */
export default mergeConfig(
  rest,
  defineConfig({
    root: new URL('.', import.meta.url).pathname,
    test: {
      ...test,
      include: ['*.test.ts'],
      exclude: ['node_modules/**'],
      globalSetup: [new URL('./support/global-setup.ts', import.meta.url).pathname],
      setupFiles: [],
      testTimeout: 20_000,
    },
  }),
)
