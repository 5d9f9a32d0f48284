import { TOKEN_LENGTH } from '../../core/entry.ts'
import type { LogPosition } from '../../core/load-source.ts'
import type { Randomness } from '../../core/random.ts'
import { keyStamp, type StampName } from '../../core/stamp.ts'
import {
  type FillRequest,
  type KeyPlace,
  type MapRegistration,
  type Position,
  REGISTRATION_MS,
  type ReadItem,
  SETTINGS_MS,
} from '../../core/store.ts'
import claimScript from '../lua/claim.lua'
import common from '../lua/common.lua'
import fillScript from '../lua/fill.lua'
import heartbeatScript from '../lua/heartbeat.lua'
import leadScript from '../lua/lead.lua'
import lockScript from '../lua/lock.lua'
import locks from '../lua/locks.lua'
import oneSetScript from '../lua/one-set.lua'
import oneStampScript from '../lua/one-stamp.lua'
import oneStateScript from '../lua/one-state.lua'
import prolongScript from '../lua/prolong.lua'
import readScript from '../lua/read.lua'
import recent from '../lua/recent.lua'
import recordScript from '../lua/record.lua'
import recordsScript from '../lua/records.lua'
import registerScript from '../lua/register.lua'
import rotateScript from '../lua/rotate.lua'
import { withChecksum } from './checksum.ts'
import type { Layout } from './layout.ts'
import { type PartitionRead, ReadScript } from './read-script.ts'
import { list, number, positionOf, refuse, text } from './replies.ts'
import type { Argument, Servers } from './servers.ts'

/** How long a new stamp waits for its first fill. */
const STAMP_MS = 600_000

/**
 * Each script with the name of its command; they publish by the command that every process hears. The same texts at each
 * call: they are 90 kB, and every connection keeps them.
 */
export function scriptsFor(publishes: Servers['publishes']): typeof PLAIN {
  return publishes === 'PUBLISH' ? PLAIN : SHARDED
}

function scriptsThat(publishes: Servers['publishes']) {
  const publishing = `local PUBLISH = '${publishes}'\n`
  return {
    ccRead: `local REGISTRATION_MS, STAMP_MS = ${REGISTRATION_MS}, ${STAMP_MS}\n${common}${recent}${readScript}`,
    ccFill: publishing + common + recent + fillScript,
    ccRotate: publishing + common + locks + recent + rotateScript,
    ccLock: publishing + common + locks + lockScript,
    ccHeartbeat: common + heartbeatScript,
    ccRegister: common + registerScript,
    ccClaim: claimScript,
    ccProlong: prolongScript,
    ccOneStamp: common + locks + oneStampScript,
    ccOneState: common + oneStateScript,
    ccOneSet: common + oneSetScript,
    ccLead: common + leadScript,
    ccRecord: common + recordScript,
    ccRecords: common + recordsScript,
  }
}

const PLAIN = Object.freeze(scriptsThat('PUBLISH'))
const SHARDED = Object.freeze(scriptsThat('SPUBLISH'))

type ScriptName = keyof typeof PLAIN

/** What a rotation names. */
export interface Rotation {
  readonly stamps: readonly StampName[]
  readonly places: readonly KeyPlace[]
  readonly body: string
  /** A soft lock to take off. */
  readonly lock?: string | undefined
  /** For how long a lease holder counts; 0 where nobody waits for them. */
  readonly holderMs?: number
  /** For how long it is noted, for loads from replicas; 0 where there are none. */
  readonly replicaLagMs?: number
  readonly position?: LogPosition | undefined
}

/** What a rotation or a lock answers for one partition. */
export interface Rotated {
  readonly position: Position
  readonly maps: readonly string[]
  /** Processes that may be answering from memory, where they were asked for. */
  readonly holders: readonly string[]
}

interface Filled {
  readonly stored: boolean
  readonly unclaimed: boolean
  readonly holders: readonly string[]
}

/** How much longer than its value a stamp lives. */
const STAMP_MARGIN_MS = 60_000

/** The scripts of the store: arguments in, replies out, nothing decided here. */
export class Scripts {
  readonly #servers: Pick<Servers, 'run'>
  readonly #randomness: Randomness

  constructor(servers: Pick<Servers, 'run'>, randomness: Randomness) {
    this.#servers = servers
    this.#randomness = randomness
  }

  /** Reads items of one partition. Undefined where this process's map must be registered first. */
  async read(
    layout: Layout,
    partition: number,
    map: MapRegistration,
    items: readonly ReadItem[],
    times: { readonly lockMs: number; readonly replicaLagMs: number },
  ): Promise<PartitionRead | undefined> {
    const read = new ReadScript(items, map)
    const keys = read.keys(layout, times.replicaLagMs)
    const reply = await this.#run('ccRead', keys, read.args(map, this.#randomness, times))
    return read.understand(reply, partition)
  }

  /** @param holderMs for how long a lease holder counts; 0 where nobody waits for them */
  async fill(
    layout: Layout,
    request: FillRequest,
    body: string,
    { holderMs, replicaLagMs }: { readonly holderMs: number; readonly replicaLagMs: number },
  ): Promise<Filled> {
    const { key, nonce, epoch, stamps, tokens, value, ttlMs, prolongedMs = ttlMs, publish } = request
    const keys = [layout.state, layout.value(key), layout.claim(key), layout.holders]
    for (const name of stamps) keys.push(layout.stamp(name))
    const args: Argument[] = [
      nonce + epoch + this.#randomness.token() + tokens.join(''),
      Math.max(1, Math.ceil(ttlMs)),
      Math.ceil(Math.max(ttlMs, prolongedMs)) + STAMP_MARGIN_MS,
      withChecksum(value),
    ]
    if (publish) {
      const own = replicaLagMs > 0 ? stamps.indexOf(keyStamp(key)) + 1 : 0
      if (own > 0) keys.push(layout.recent, layout.before)
      args.push(layout.channel, body, Math.ceil(holderMs), own > 0 ? Math.ceil(replicaLagMs) : 0, own)
    }
    const reply = await this.#run('ccFill', keys, args)
    if (Array.isArray(reply)) return { stored: true, unclaimed: false, holders: reply.map(text) }
    const said = number(reply)
    return { stored: said === 1, unclaimed: said === 2, holders: [] }
  }

  async rotate(layout: Layout, partition: number, rotation: Rotation): Promise<Rotated> {
    const { stamps, places, body, lock = '', holderMs = 0, replicaLagMs = 0, position = '' } = rotation
    const keys = [layout.state, layout.maps, layout.holders, layout.nothing]
    keys.push(...stamps.map((name) => layout.stamp(name)))
    if (replicaLagMs > 0) keys.push(layout.recent, layout.before)
    for (const { key } of places) keys.push(layout.value(key), layout.claim(key))
    const fresh = this.#randomness.token()
    const args = [
      fresh,
      layout.channel,
      body,
      stamps.length,
      lock,
      Math.ceil(holderMs),
      Math.ceil(replicaLagMs),
      position,
      ...this.#tokens(stamps),
    ]
    const reply = list(await this.#run('ccRotate', keys, args))
    return {
      position: positionOf(reply, partition),
      maps: list(reply[2]).map(text),
      holders: list(reply[3]).map(text),
    }
  }

  /** Puts a soft lock on stamps, or renews it. */
  async lock(
    layout: Layout,
    partition: number,
    stamps: readonly StampName[],
    lock: { readonly id: string; readonly ms: number; readonly holderMs: number },
    body: string,
  ): Promise<Rotated & { readonly added: number }> {
    const keys = [layout.state, layout.maps, layout.holders, layout.nothing]
    keys.push(...stamps.map((name) => layout.stamp(name)))
    const { id, ms, holderMs } = lock
    const fresh = this.#randomness.token()
    const args = [
      fresh,
      layout.channel,
      body,
      id,
      Math.ceil(ms),
      Math.ceil(holderMs),
      ...this.#tokens(stamps),
    ]
    const reply = list(await this.#run('ccLock', keys, args))
    return {
      position: positionOf(reply, partition),
      maps: list(reply[2]).map(text),
      added: number(reply[3]),
      holders: list(reply[4]).map(text),
    }
  }

  /** A fresh token for each name. */
  #tokens(names: readonly StampName[]): string[] {
    return names.map(() => this.#randomness.token())
  }

  async heartbeat(
    layout: Layout,
    partition: number,
    map: MapRegistration,
    process: string,
    forgetMs: number,
    settings: string,
  ): Promise<{ position: Position; registration: string; registered: boolean; differing: string }> {
    const keys = [layout.state, layout.maps, layout.stamp(map.stamp), layout.holders, layout.nothing]
    const args = [
      this.#randomness.token(),
      map.digest,
      REGISTRATION_MS,
      process,
      Math.ceil(forgetMs),
      settings,
      SETTINGS_MS,
    ]
    const reply = list(await this.#run('ccHeartbeat', keys, args))
    return {
      position: positionOf(reply, partition),
      registered: number(reply[2]) === 1,
      registration: token(reply[3]),
      differing: text(reply[4]),
    }
  }

  /** @returns the settings in force where they differ, else an empty text */
  async register(layout: Layout, map: MapRegistration, settings: string): Promise<string> {
    const keys = [layout.state, layout.maps, layout.stamp(map.stamp), layout.map(map.digest), layout.nothing]
    const fresh = [this.#randomness.token(), map.digest, REGISTRATION_MS, this.#randomness.token()]
    const reply = list(await this.#run('ccRegister', keys, [...fresh, map.skeleton, settings, SETTINGS_MS]))
    return text(reply[2])
  }

  async prolong(layout: Layout, key: string, ttlMs: number): Promise<void> {
    await this.#run('ccProlong', [layout.value(key)], [Math.max(1, Math.ceil(ttlMs))])
  }

  /** Prolongs a claim; by 0 ms gives it back. */
  async claim(layout: Layout, key: string, nonce: string, ttlMs: number): Promise<boolean> {
    return number(await this.#run('ccClaim', [layout.claim(key)], [nonce, Math.ceil(ttlMs)])) === 1
  }

  /** Rotates one stamp, taking a lock off. */
  async rotateOne(layout: Layout, stamp: StampName, lock: string): Promise<void> {
    await this.#run('ccOneStamp', [layout.stamp(stamp)], [lock, this.#randomness.token(), 0])
  }

  /** Locks one stamp. @returns whether it did not bear the lock before */
  async lockOne(layout: Layout, stamp: StampName, lock: string, ms: number): Promise<boolean> {
    const args = [lock, this.#randomness.token(), Math.ceil(ms)]
    return number(await this.#run('ccOneStamp', [layout.stamp(stamp)], args)) === 1
  }

  /** Where a partition stands, by its state record alone; `advance` numbers an invalidation. */
  async state(
    layout: Layout,
    partition: number,
    { advance = false, settings = '' }: { readonly advance?: boolean; readonly settings?: string },
  ): Promise<{ position: Position; differing: string }> {
    const args = [this.#randomness.token(), advance ? '1' : '0', settings, SETTINGS_MS]
    const reply = list(await this.#run('ccOneState', [layout.state], args))
    return { position: positionOf(reply, partition), differing: text(reply[2]) }
  }

  /** The digests of the live maps. */
  async maps(layout: Layout): Promise<readonly string[]> {
    return list(list(await this.#run('ccOneSet', [layout.maps], ['', 0]))[0]).map(text)
  }

  /** Enters a lease holder. */
  async hold(layout: Layout, process: string, forgetMs: number): Promise<void> {
    await this.#run('ccOneSet', [layout.holders], [process, Math.ceil(forgetMs)])
  }

  #run(name: ScriptName, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return this.#servers.run(name, keys, args)
  }
}

/** A token, or an empty text for none. */
function token(reply: unknown): string {
  const found = text(reply)
  return found === '' || found.length === TOKEN_LENGTH ? found : refuse()
}
