import type { TestProject } from 'vitest/node'

/** Points tests to the Redis of the run. */
export default function setup(project: TestProject): void {
  project.provide('redisPort', Number(process.env.MUTANTS_REDIS_PORT))
  project.provide('postgresUrl', '')
}
