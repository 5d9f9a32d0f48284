import { defineConfig, mergeConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

/** For a test that is to fail: with the Redis that is there already, and no PostgreSQL. */
const config = mergeConfig(base, defineConfig({ test: { reporters: ['json'] } }))

export default { ...config, test: { ...config.test, globalSetup: ['test/mutants/servers.ts'] } }
