import { fingerprintHead, TOKEN_LENGTH } from '../../core/entry.ts'
import { CacheError } from '../../core/errors.ts'
import { ANY_SOURCE, isLogPosition, type LoadSource, PRIMARY_SOURCE } from '../../core/load-source.ts'
import type { Randomness } from '../../core/random.ts'
import type { StampName } from '../../core/stamp.ts'
import {
  type MapRegistration,
  type Position,
  REGISTRATION_MS,
  type ReadItem,
  type ReadResult,
} from '../../core/store.ts'
import { withoutChecksum } from './checksum.ts'
import type { Layout } from './layout.ts'
import { list, number, positionOf, refuse, text } from './replies.ts'
import type { Argument } from './servers.ts'

/** What a full read answers for one partition. */
export interface PartitionRead {
  readonly position: Position
  readonly results: readonly ReadResult[]
  /** Stamps under locks that have expired. */
  readonly expired: readonly StampName[]
}

/** How long a new stamp waits for its first fill. */
const STAMP_MS = 600_000
const MISSING = '.'.repeat(TOKEN_LENGTH)
/** What comes before the items in a reply. */
const HEAD = 5

/** One full read of items of one partition: what the script is given, and what its reply says. */
export class ReadScript {
  readonly #items: readonly ReadItem[]
  readonly #names: readonly StampName[]
  /** Where each item's stamps stand among the names, from 1; undefined where they are all of them, in order. */
  readonly #indices: readonly (readonly number[])[] | undefined

  constructor(items: readonly ReadItem[], map: MapRegistration) {
    this.#items = items
    const [only] = items
    if (only !== undefined && items.length === 1) {
      this.#names = only.stamps
    } else {
      const places = new Map<StampName, number>()
      this.#indices = items.map(({ stamps }) =>
        stamps.map((name) => {
          const place = places.get(name) ?? places.size + 1
          places.set(name, place)
          return place
        }),
      )
      this.#names = [...places.keys()]
    }
    // The script looks whether the registration is alive.
    if (this.#names[0] !== map.stamp)
      throw new CacheError('STORE_REPLY', 'A vector must begin with the registration.')
  }

  keys(layout: Layout, replicaLagMs: number): string[] {
    const keys = [layout.state, layout.maps]
    for (const name of this.#names) keys.push(layout.stamp(name))
    if (replicaLagMs > 0) keys.push(layout.recent, layout.before)
    for (const { key } of this.#items) keys.push(layout.value(key), layout.claim(key))
    return keys
  }

  args(
    map: MapRegistration,
    randomness: Randomness,
    { lockMs, replicaLagMs }: { readonly lockMs: number; readonly replicaLagMs: number },
  ): Argument[] {
    let fresh = ''
    for (let at = 0; at < this.#names.length; at++) fresh += randomness.token()
    const args: Argument[] = [
      this.#names.length,
      this.#items.length,
      randomness.token(),
      map.digest,
      REGISTRATION_MS,
      STAMP_MS,
      lockMs,
      Math.ceil(replicaLagMs),
      fresh,
    ]
    for (const [at, { stamps, head, claim }] of this.#items.entries()) {
      args.push(
        head ?? fingerprintHead(stamps),
        this.#indices?.[at]?.join(',') ?? '',
        claim?.nonce ?? '',
        Math.ceil(claim?.ttlMs ?? 0),
        claim?.takeOver === true ? '1' : claim?.beside === true ? '2' : '0',
      )
    }
    return args
  }

  /** What a reply says. Undefined where this process's map must be registered first. */
  understand(said: unknown, partition: number): PartitionRead | undefined {
    const reply = list(said)
    const position = positionOf(reply, partition)
    if (number(reply[2]) !== 1) return undefined
    const tokens = this.#tokens(text(reply[3]))
    const results = this.#items.map((_, at) => {
      const value = reply[HEAD + 2 * at]
      const indices = this.#indices?.[at]
      const own = indices === undefined ? tokens : indices.map((index) => tokens[index - 1] ?? refuse())
      return understandItem(value, text(reply[HEAD + 2 * at + 1]), own, position.epoch)
    })
    const indices = text(reply[4])
    const expired =
      indices === '' ? [] : indices.split(',').map((index) => this.#names[Number(index) - 1] ?? refuse())
    return { position, results, expired }
  }

  #tokens(joined: string): string[] {
    if (joined.length !== TOKEN_LENGTH * this.#names.length) refuse()
    return this.#names.map((_, at) => {
      const token = joined.slice(TOKEN_LENGTH * at, TOKEN_LENGTH * (at + 1))
      return token === MISSING ? '' : token
    })
  }
}

const JUDGEMENT = /^(?<voided>[012]),(?<claim>[0123]),(?<holder>[^,]*),(?<from>[^,]*)$/

function understandItem(
  value: unknown,
  judgement: string,
  tokens: readonly string[],
  epoch: string,
): ReadResult {
  const said = JUDGEMENT.exec(judgement)?.groups ?? refuse()
  const { voided, claim, holder, from = '' } = said
  return {
    value: value instanceof Uint8Array ? withoutChecksum(value) : undefined,
    voided: voided !== '0',
    strange: voided === '2',
    tokens,
    epoch,
    locked: claim === '3',
    claim: claim === '1' ? 'granted' : claim === '2' ? 'held' : 'none',
    holder: holder || undefined,
    from: loadSource(from),
  }
}

/** From where a value may be loaded, as the script says it. */
function loadSource(said: string): LoadSource {
  if (said === '') return ANY_SOURCE
  if (said === '?') return PRIMARY_SOURCE
  return isLogPosition(said) ? { source: 'primary', position: said } : refuse()
}
