import { setTimeout as sleep } from 'node:timers/promises'
import type { Dice } from '../explorer/dice.ts'
import type { Mode } from '../judging/promises.ts'
import { connectTo, type TestClient } from '../support/redis-clients.ts'
import { sharedNow } from '../support/version-judge.ts'
import type { MapName } from './app.ts'
import type { FaultLog, LoggedFault } from './fault-log.ts'
import type { Fleet, Member } from './fleet.ts'
import type { StormServer } from './servers.ts'

/** What a fault has to work with. */
export class Scene {
  readonly mode: Mode
  readonly dice: Dice
  readonly fleet: Fleet
  readonly server: StormServer
  readonly log: FaultLog
  readonly #clients = new Map<number, TestClient>()
  /** Which release the processes run, between deploys. */
  release: MapName = 'old'
  over = false

  constructor(mode: Mode, dice: Dice, fleet: Fleet, server: StormServer, log: FaultLog) {
    this.mode = mode
    this.dice = dice
    this.fleet = fleet
    this.server = server
    this.log = log
  }

  /** Does something to the storm, noted from its beginning to its end. */
  async during(
    name: string,
    what: string,
    body: (fault: LoggedFault) => Promise<void>,
    members: readonly Member[] = [],
  ): Promise<void> {
    const fault = this.log.begin(name, what, sharedNow())
    for (const member of members) member.busy = true
    try {
      await body(fault)
    } finally {
      for (const member of members) member.busy = false
      fault.to = sharedNow()
    }
  }

  /** Lets some time go by: any up to `most`, short ones more often. */
  async pause(least: number, most: number): Promise<number> {
    const ms = Math.round(least + (most - least) * this.dice.fraction() ** 2)
    await sleep(ms)
    return ms
  }

  /** A connection of the conductor's own to a server. */
  admin(port: number): TestClient {
    let client = this.#clients.get(port)
    if (client === undefined) {
      client = connectTo(port, { retryStrategy: () => 50, maxRetriesPerRequest: null })
      this.#clients.set(port, client)
    }
    return client
  }

  close(): void {
    for (const client of this.#clients.values()) client.disconnect()
  }
}

/** Something that can go wrong. */
export interface Fault {
  readonly name: string
  /** On which arrangement of servers it can happen. @default any */
  readonly on?: StormServer['kind']
  /** Makes it go wrong, once, and right again. */
  readonly strike: (scene: Scene) => Promise<void>
}
