import { fingerprintHead, TOKEN_LENGTH } from '../core/entry.ts'
import { CacheError } from '../core/errors.ts'
import type { Randomness } from '../core/random.ts'
import type { StampName } from '../core/stamp.ts'
import type { FillRequest, KeyPlace, MapRegistration, Position, ReadItem, ReadResult } from '../core/store.ts'
import claimScript from './lua/claim.lua'
import common from './lua/common.lua'
import fillScript from './lua/fill.lua'
import heartbeatScript from './lua/heartbeat.lua'
import readScript from './lua/read.lua'
import registerScript from './lua/register.lua'
import rotateScript from './lua/rotate.lua'
import type { RedisConnection } from './redis-client.ts'
import type { Layout } from './redis-layout.ts'

/** Each script with the name of its command. */
export const SCRIPTS = {
  ccRead: common + readScript,
  ccFill: common + fillScript,
  ccRotate: common + rotateScript,
  ccHeartbeat: common + heartbeatScript,
  ccRegister: common + registerScript,
  ccClaim: claimScript,
} as const

type Command = (...args: (string | number | Uint8Array)[]) => Promise<unknown>
type Commands = Record<`${keyof typeof SCRIPTS}Buffer`, Command>

/** How long a map stays registered without a sign of life of its processes: a day. */
export const REGISTRATION_MS = 86_400_000
/** How long a new stamp waits for its first fill. */
const STAMP_MS = 600_000
/** How much longer than its value a stamp lives. */
const STAMP_MARGIN_MS = 60_000

/** The scripts of the store on one connection: arguments in, replies out, nothing decided here. */
export class Scripts {
  readonly #commands: Commands
  readonly #randomness: Randomness

  constructor(connection: RedisConnection, randomness: Randomness) {
    for (const [name, lua] of Object.entries(SCRIPTS)) connection.defineCommand(name, { lua })
    this.#commands = connection as unknown as Commands
    this.#randomness = randomness
  }

  /** Reads items of one partition. Undefined where this process's map must be registered first. */
  async read(
    layout: Layout,
    partition: number,
    map: MapRegistration,
    items: readonly ReadItem[],
  ): Promise<{ position: Position; results: ReadResult[] } | undefined> {
    const names: StampName[] = []
    const indexOf = new Map<StampName, number>()
    for (const { stamps } of items) {
      for (const name of stamps) {
        if (indexOf.has(name)) continue
        names.push(name)
        indexOf.set(name, names.length)
      }
    }
    const single = items.length === 1
    // The registration stands first: the script keeps it alive.
    const keys = [layout.state, layout.maps, ...names.map((name) => layout.stamp(name))]
    if (names.length === 0 || names[0] !== map.stamp)
      throw new CacheError('STORE_REPLY', 'A vector must begin with the registration.')
    const args: (string | number)[] = [
      names.length,
      items.length,
      this.#randomness.token(),
      map.digest,
      REGISTRATION_MS,
      STAMP_MS,
    ]
    for (const _ of names) args.push(this.#randomness.token())
    for (const { key, stamps, claim } of items) {
      keys.push(layout.value(key), layout.claim(key))
      args.push(
        fingerprintHead(stamps),
        single ? '' : stamps.map((name) => indexOf.get(name)).join(','),
        claim?.nonce ?? '',
        Math.ceil(claim?.ttlMs ?? 0),
        claim?.takeOver === true ? '1' : '0',
      )
    }
    const reply = list(await this.#run('ccReadBuffer', keys, args))
    const position = positionOf(reply, partition)
    if (number(reply[2]) !== 1) return undefined
    const tokens = list(reply[3]).map(text)
    const results = items.map(({ stamps }, at): ReadResult => {
      const [value, voided, claim, holder] = list(reply[4 + at])
      const state = number(claim)
      return {
        value: value instanceof Uint8Array ? value : undefined,
        voided: number(voided) === 1,
        tokens: stamps.map((name) => tokens[(indexOf.get(name) ?? 0) - 1] ?? ''),
        epoch: position.epoch,
        locked: false,
        claim: state === 1 ? 'granted' : state === 2 ? 'held' : 'none',
        holder: text(holder) || undefined,
      }
    })
    return { position, results }
  }

  async fill(layout: Layout, request: FillRequest, body: string): Promise<boolean> {
    const { key, nonce, epoch, stamps, tokens, value, ttlMs, publish } = request
    const ms = Math.max(1, Math.ceil(ttlMs))
    const keys = [
      layout.state,
      layout.value(key),
      layout.claim(key),
      ...stamps.map((name) => layout.stamp(name)),
    ]
    const fresh = this.#randomness.token()
    const args = [
      nonce,
      epoch,
      fresh,
      tokens.join(''),
      ms,
      ms + STAMP_MARGIN_MS,
      value,
      publish ? '1' : '0',
      layout.channel,
      body,
    ]
    return number(await this.#run('ccFillBuffer', keys, args)) === 1
  }

  async rotate(
    layout: Layout,
    partition: number,
    stamps: readonly StampName[],
    places: readonly KeyPlace[],
    body: string,
  ): Promise<{ position: Position; maps: string[] }> {
    const keys = [layout.state, layout.maps, layout.nothing, ...stamps.map((name) => layout.stamp(name))]
    for (const { key } of places) keys.push(layout.value(key), layout.claim(key))
    const reply = list(
      await this.#run('ccRotateBuffer', keys, [this.#randomness.token(), layout.channel, body]),
    )
    return { position: positionOf(reply, partition), maps: list(reply[2]).map(text) }
  }

  async heartbeat(
    layout: Layout,
    partition: number,
    map: MapRegistration,
    process: string,
    forgetMs: number,
  ): Promise<{ position: Position; registration: string; registered: boolean }> {
    const keys = [layout.state, layout.maps, layout.stamp(map.stamp), layout.holders, layout.nothing]
    const args = [this.#randomness.token(), map.digest, REGISTRATION_MS, process, Math.ceil(forgetMs)]
    const reply = list(await this.#run('ccHeartbeatBuffer', keys, args))
    return {
      position: positionOf(reply, partition),
      registered: number(reply[2]) === 1,
      registration: text(reply[3]),
    }
  }

  async register(layout: Layout, map: MapRegistration): Promise<void> {
    const keys = [layout.state, layout.maps, layout.stamp(map.stamp), layout.map(map.digest)]
    const args = [
      this.#randomness.token(),
      map.digest,
      REGISTRATION_MS,
      this.#randomness.token(),
      map.skeleton,
    ]
    await this.#run('ccRegisterBuffer', keys, args)
  }

  /** Prolongs a claim; by 0 ms gives it back. */
  async claim(layout: Layout, key: string, nonce: string, ttlMs: number): Promise<boolean> {
    return number(await this.#run('ccClaimBuffer', [layout.claim(key)], [nonce, Math.ceil(ttlMs)])) === 1
  }

  async #run(
    name: keyof Commands,
    keys: readonly string[],
    args: readonly (string | number | Uint8Array)[],
  ): Promise<unknown> {
    try {
      return await this.#commands[name](keys.length, ...keys, ...args)
    } catch (error) {
      // The server has forgotten the script (restart, SCRIPT FLUSH): nothing has run, and ioredis sends it whole now.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return this.#commands[name](keys.length, ...keys, ...args)
    }
  }
}

function positionOf(reply: readonly unknown[], partition: number): Position {
  const epoch = text(reply[0])
  const sequence = number(reply[1])
  if (epoch.length !== TOKEN_LENGTH || !Number.isSafeInteger(sequence)) {
    throw new CacheError('STORE_REPLY', 'The store gave a reply that no script of this version gives.')
  }
  return { partition, epoch, sequence }
}

function list(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? reply : []
}

function text(reply: unknown): string {
  return reply instanceof Uint8Array
    ? Buffer.from(reply.buffer, reply.byteOffset, reply.byteLength).toString('latin1')
    : ''
}

function number(reply: unknown): number {
  return typeof reply === 'number' ? reply : Number(reply instanceof Uint8Array ? text(reply) : Number.NaN)
}
