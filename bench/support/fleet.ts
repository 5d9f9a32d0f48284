import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CacheOptions } from 'coherent-cache'

/** What the caches of a fleet have in common. */
export interface FleetOptions extends Pick<CacheOptions, 'namespace' | 'consistency' | 'maxStaleness'> {
  /** Of Redis. */
  readonly port: number
  /** Caches in each process. */
  readonly count: number
}

/** What a process of the fleet is told to do; it answers each order with a {@link FleetReport}. */
export type FleetOrder =
  | { readonly do: 'open'; readonly options: FleetOptions & { readonly member: number } }
  | { readonly do: 'read'; readonly everyMs: number }
  | { readonly do: 'rest' }
  | { readonly do: 'report' }

/** What a process of the fleet has seen. */
export interface FleetReport {
  /** Since the last report: how long after they were sent invalidations of the key `sent:TIME` arrived. */
  readonly delays: readonly number[]
  /** Caches that may answer from memory. */
  readonly leases: number
  /** Processor time of the process since it began, in microseconds. */
  readonly cpu: number
}

/** Some processes with some caches each: what a Redis feels of so many processes, on few cores. */
export class Fleet {
  readonly #members: readonly ChildProcess[]

  private constructor(members: readonly ChildProcess[]) {
    this.#members = members
  }

  /** Opens `caches` caches in at most `processes` processes. */
  static async open(caches: number, processes: number, options: Omit<FleetOptions, 'count'>): Promise<Fleet> {
    const members: ChildProcess[] = []
    const fleet = new Fleet(members)
    const file = fileURLToPath(new URL('./fleet-member.ts', import.meta.url))
    for (let member = 0; member < Math.min(processes, caches); member++) {
      const count = Math.floor(caches / processes) + (member < caches % processes ? 1 : 0)
      const child = fork(file)
      members.push(child)
      await fleet.#tell(child, { do: 'open', options: { ...options, count, member } })
    }
    return fleet
  }

  /** Has every cache read one key so often. Resolves once all of them may answer from memory. */
  async read(everyMs: number): Promise<void> {
    await this.#tellAll({ do: 'read', everyMs })
    for (let turns = 0; turns < 200; turns++) {
      const reports = await this.#tellAll({ do: 'report' })
      const { length } = reports.filter(({ leases }) => leases === 0)
      if (length === 0) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error('The fleet got no memory leases within seconds.')
  }

  async rest(): Promise<void> {
    await this.#tellAll({ do: 'rest' })
  }

  async delays(): Promise<number[]> {
    return (await this.#tellAll({ do: 'report' })).flatMap(({ delays }) => delays)
  }

  /** Processor time of all its processes since they began, in microseconds. */
  async cpu(): Promise<number> {
    return (await this.#tellAll({ do: 'report' })).reduce((sum, { cpu }) => sum + cpu, 0)
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#members.map(async (child) => {
        child.disconnect()
        await once(child, 'exit')
      }),
    )
  }

  #tellAll(order: FleetOrder): Promise<FleetReport[]> {
    return Promise.all(this.#members.map((child) => this.#tell(child, order)))
  }

  async #tell(child: ChildProcess, order: FleetOrder): Promise<FleetReport> {
    child.send(order)
    const [answer] = (await once(child, 'message')) as [FleetReport]
    return answer
  }
}
