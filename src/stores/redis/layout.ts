import { createHash } from 'node:crypto'
import type { StampName } from '../../core/stamp.ts'

/**
 * The names of everything in Redis, for one partition of a namespace. All names of a partition share one hash tag, so
 * that a script touches one slot of a cluster.
 *
 * | name | content |
 * | --- | --- |
 * | `cc:{NS.P}:state` | hash: epoch, seq, replid, born, settings, settled |
 * | `cc:{NS.P}:maps` | sorted set: digest of a registered map → end of its registration |
 * | `cc:{NS.P}:map:DIGEST` | the map's skeleton, as JSON |
 * | `cc:{NS.P}:holders` | sorted set: process → its last heartbeat |
 * | `cc:{NS.P}:recent`, `:before` | hashes: what was rotated lately, where replicas are in use; see `lua/recent.lua` |
 * | `cc:{NS.P}:s:STAMP` | token (16 characters), creation time, soft locks |
 * | `cc:{NS.P}:v:NAME:KEY` | a value, see `core/entry.ts`, and its checksum |
 * | `cc:{NS.P}:c:NAME:KEY` | a fill claim: nonce (16 characters), tokens |
 * | `cc:{NS.P}:l:NAME:TITLE` | hash: who leads, until when, fence; revision and records |
 * | `cc:{NS.P}` | the channel of invalidations; in a database other than 0, `cc:{NS.P}@DATABASE` |
 * | `cc:{NS.P}:ack:PROCESS` | the channel of acknowledgements to one process |
 */
export class Layout {
  readonly channel: string
  readonly state: string
  readonly maps: string
  readonly holders: string
  readonly recent: string
  readonly before: string
  /** A name under which nothing is ever stored. */
  readonly nothing: string
  readonly #place: string
  readonly #base: string
  readonly #values: string
  readonly #claims: string
  readonly #leads: string

  /** @param database whose number channels need to carry: every database of a server hears all channels */
  constructor(prefix: string, namespace: string, name: string, partition: number, database = 0) {
    const place = `${prefix}cc:{${namespace}.${partition}}`
    this.#place = place
    this.channel = database === 0 ? place : `${place}@${database}`
    this.#base = `${place}:`
    this.state = `${this.#base}state`
    this.maps = `${this.#base}maps`
    this.holders = `${this.#base}holders`
    this.recent = `${this.#base}recent`
    this.before = `${this.#base}before`
    this.nothing = `${this.#base}nothing`
    this.#values = `${this.#base}v:${name}:`
    this.#claims = `${this.#base}c:${name}:`
    this.#leads = `${this.#base}l:${name}:`
  }

  stamp(name: StampName): string {
    return `${this.#base}s:${name}`
  }

  map(digest: string): string {
    return `${this.#base}map:${digest}`
  }

  acknowledgements(process: string): string {
    return `${this.channel}:ack:${process}`
  }

  value(key: string): string {
    return this.#values + key
  }

  lead(title: string): string {
    return this.#leads + title
  }

  claim(key: string): string {
    return this.#claims + key
  }

  /**
   * SCAN patterns for claims and values whose keys match a pattern of ours, which has no other special characters; of
   * this partition, or of every one.
   */
  scans(pattern: string, everywhere: boolean): { readonly claims: string; readonly values: string } {
    const of = (names: string) => {
      const rest = escapeGlob(names.slice(this.#place.length))
      const place = everywhere
        ? `${escapeGlob(this.#place.replace(/\d+\}$/, ''))}*}`
        : escapeGlob(this.#place)
      return place + rest + pattern
    }
    return { claims: of(this.#claims), values: of(this.#values) }
  }

  /** The key of a value's or a claim's name; undefined for any other name. */
  keyOf(name: string): string | undefined {
    for (const start of [this.#values, this.#claims])
      if (name.startsWith(start)) return name.slice(start.length)
    return undefined
  }
}

/** Which of `count` partitions a shard text belongs to. The same in every process. */
export function partitionOf(shard: string, count: number): number {
  return count === 1 ? 0 : createHash('sha256').update(shard).digest().readUInt32BE(0) % count
}

function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&')
}
