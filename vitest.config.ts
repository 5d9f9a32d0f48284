import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { entries } from './scripts/entries.ts'
import { textModules } from './scripts/text-modules.ts'

const root = new URL('./', import.meta.url)

export default defineConfig({
  plugins: [textModules()],
  resolve: {
    alias: entries.map(({ specifier, source }) => ({
      find: new RegExp(`^${specifier}$`),
      replacement: fileURLToPath(new URL(source, root)),
    })),
  },
  test: {
    include: ['test/**/*.test.ts'],
    // Suites with a runner or an installation of their own.
    exclude: ['test/{databases,browser,package,storm}/**', '**/node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/fast-check-setup.ts', 'test/support/quiet-warnings.ts'],
    // By default one core is left idle, which on a machine of two is half of it.
    maxWorkers: '100%',
    testTimeout: 10_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
  },
})
