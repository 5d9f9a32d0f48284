import type { TestProject } from 'vitest/node'
import startShared from '../../support/global-setup.ts'

/** Starts the servers that a run shares. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  return startShared(project)
}
