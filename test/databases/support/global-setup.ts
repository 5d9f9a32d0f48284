import type { TestProject } from 'vitest/node'
import startShared from '../../support/global-setup.ts'
import { startMariadb } from './mariadb.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a MariaDB on 127.0.0.1 that the whole run shares: keep to a database of your own. */
    mariadbPort: number
  }
}

/** Starts the servers that a run shares. One that cannot be had fails the run: nothing is skipped for its sake. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const stopShared = await startShared(project)
  try {
    const mariadb = await startMariadb()
    project.provide('mariadbPort', mariadb.port)
    return async () => {
      await Promise.all([stopShared(), mariadb.stop()])
    }
  } catch (error) {
    await stopShared()
    throw error
  }
}
