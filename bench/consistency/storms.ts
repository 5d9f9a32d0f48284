import type { ContenderKind } from '../support/contender.ts'
import { ContenderProcess } from '../support/contender-process.ts'
import { judgeStaleness, type Staleness } from '../support/staleness.ts'

/** Delivery on a bus takes a moment, which nobody is blamed for. */
export const GRACE_MS = 100
const KEYS = 40
const GROUPS = 8

/** Two processes read and write rows at random for a while; what they answered is judged afterwards. */
export async function storm(
  kind: ContenderKind,
  by: 'key' | 'group',
  seconds: number,
  port: number,
  database: number,
): Promise<Staleness> {
  const processes = [new ContenderProcess(), new ContenderProcess()]
  const options = { port, memory: true, groups: by === 'group', maxEntries: 10_000 }
  try {
    for (const one of processes) await one.open('storm', kind.name, options)
    const logs = await Promise.all(
      processes.map((one, member) =>
        one.storm('storm', {
          database,
          seconds,
          keys: KEYS,
          groups: GROUPS,
          member,
          processes: processes.length,
          by,
        }),
      ),
    )
    return judgeStaleness(logs, GRACE_MS)
  } finally {
    for (const one of processes) await one.end()
  }
}
