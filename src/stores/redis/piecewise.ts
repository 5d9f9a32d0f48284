import type { MapRegistration, Position } from '../../core/store.ts'
import type { Layout } from './layout.ts'
import type { Rotated, Rotation, Scripts } from './scripts.ts'
import { type Servers, SlotMoving } from './servers.ts'

/** A lease holder that never acknowledges, so that whoever waits for it waits until every lease has run out. */
const NOBODY = '?'

/** What one partition's soft lock is. */
export interface Lock {
  readonly id: string
  readonly ms: number
  readonly holderMs: number
}

/**
 * The steps of a partition whose slot is being moved to another server, name by name: a script of several names reaches
 * them on neither side, a command of one name follows it. What is rotated or locked so is not one atomic step; the
 * order makes up for it. Claims go before values, so that no load puts back what was taken away; stamps before the
 * sequence, so that who has heard of a number finds nothing old; the message comes last, and on the slot's own server,
 * where everybody listens.
 */
export class Piecewise {
  readonly #scripts: Scripts
  readonly #servers: Servers
  readonly #encode: (position: Position, body: string) => string

  constructor(scripts: Scripts, servers: Servers, encode: (position: Position, body: string) => string) {
    this.#scripts = scripts
    this.#servers = servers
    this.#encode = encode
  }

  async rotate(layout: Layout, partition: number, rotation: Rotation): Promise<Rotated> {
    const { stamps, places, body, lock = '', holderMs = 0, replicaLagMs = 0 } = rotation
    // Noting them takes several names at once. Before any is rotated: whoever claims under it must load from the primary.
    if (replicaLagMs > 0) await this.#servers.unlink([layout.recent])
    await Promise.all(places.map(({ key }) => this.#servers.unlink([layout.claim(key)])))
    await Promise.all([
      ...places.map(({ key }) => this.#servers.unlink([layout.value(key)])),
      ...stamps.map((stamp) => this.#scripts.rotateOne(layout, stamp, lock)),
    ])
    return this.#tell(layout, partition, body, holderMs)
  }

  async lock(
    layout: Layout,
    partition: number,
    stamps: readonly string[],
    { id, ms, holderMs }: Lock,
    body: string,
  ): Promise<Rotated & { readonly added: number }> {
    const added = await Promise.all(stamps.map((stamp) => this.#scripts.lockOne(layout, stamp, id, ms)))
    const news = added.filter((one) => one).length
    // Told even where nothing is new: a part that failed may have locked some before, and told nobody.
    return { ...(await this.#tell(layout, partition, body, holderMs)), added: Math.max(news, 1) }
  }

  /** Numbers what has been made void, and publishes it. */
  async #tell(layout: Layout, partition: number, body: string, holderMs: number): Promise<Rotated> {
    const { position } = await this.#scripts.state(layout, partition, { advance: true })
    const maps = await this.#scripts.maps(layout)
    await this.#servers.publish(layout.channel, this.#encode(position, body))
    // Who holds a lease was noted by the clock of the other server.
    return { position, maps, holders: holderMs > 0 ? [NOBODY] : [] }
  }

  async heartbeat(
    layout: Layout,
    partition: number,
    map: MapRegistration,
    process: string,
    forgetMs: number,
    settings: string,
  ): Promise<{ position: Position; registration: string; registered: boolean; differing: string }> {
    const { position, differing } = await this.#scripts.state(layout, partition, { settings })
    await this.#scripts.hold(layout, process, forgetMs)
    // Registering takes several names at once; until then nothing is kept in this partition.
    const registration = (await this.#servers.get(layout.stamp(map.stamp)))?.slice(0, 16) ?? ''
    return { position, registration, registered: true, differing }
  }
}

/** A step; or, where it was refused because the slot is being moved, what is done instead. */
export function orWhileMoving<T, U = T>(
  step: () => Promise<T>,
  instead: () => Promise<U> | U,
): Promise<T | U> {
  return step().catch((error) => {
    if (!(error instanceof SlotMoving)) throw error
    return instead()
  })
}
