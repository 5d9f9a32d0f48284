import { fingerprintHead, TOKEN_LENGTH } from '../../core/entry.ts'
import { CacheError } from '../../core/errors.ts'
import { ANY_SOURCE, isLogPosition, type LoadSource, PRIMARY_SOURCE } from '../../core/load-source.ts'
import type { Randomness } from '../../core/random.ts'
import type { StampName } from '../../core/stamp.ts'
import type { MapRegistration, Position, ReadItem, ReadResult } from '../../core/store.ts'
import { withoutChecksum } from './checksum.ts'
import type { Layout } from './layout.ts'
import { list, number, refuse, text } from './replies.ts'

/** What a full read answers for one partition. */
export interface PartitionRead {
  readonly position: Position
  readonly results: readonly ReadResult[]
  /** Stamps under locks that have expired. */
  readonly expired: readonly StampName[]
}

const MISSING = '.'.repeat(TOKEN_LENGTH)

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
  ): string[] {
    const counts = `${this.#names.length},${this.#items.length},${Math.ceil(lockMs)},${Math.ceil(replicaLagMs)}`
    const args = [counts, map.digest, randomness.token()]
    for (const [at, { stamps, head, claim }] of this.#items.entries()) {
      args.push(
        head ?? fingerprintHead(stamps),
        this.#indices?.[at]?.join(',') ?? '',
        claim === undefined
          ? ''
          : `${claim.nonce}${claim.takeOver ? 1 : claim.beside ? 2 : 0}${Math.ceil(claim.ttlMs)}`,
      )
    }
    return args
  }

  /** What a reply says. Undefined where this process's map must be registered first. */
  understand(said: unknown, partition: number): PartitionRead | undefined {
    const reply = list(said)
    const { epoch = '', joined = '', sequence, expired } = HEAD.exec(text(reply[0]))?.groups ?? refuse()
    if (expired === undefined) return undefined
    const tokens = this.#tokens(joined)
    const results = this.#items.map((_, at) => {
      const indices = this.#indices?.[at]
      const own = indices === undefined ? tokens : indices.map((index) => tokens[index - 1] ?? refuse())
      return understandItem(reply[1 + 2 * at], text(reply[2 + 2 * at]), own, epoch)
    })
    return {
      position: { partition, epoch, sequence: number(Number(sequence)) },
      results,
      expired: expired === '' ? [] : expired.split(',').map((at) => this.#names[Number(at) - 1] ?? refuse()),
    }
  }

  #tokens(joined: string): string[] {
    if (joined.length !== TOKEN_LENGTH * this.#names.length) refuse()
    return this.#names.map((_, at) => {
      const token = joined.slice(TOKEN_LENGTH * at, TOKEN_LENGTH * (at + 1))
      return token === MISSING ? '' : token
    })
  }
}

/** How a reply begins: the epoch, the tokens, the sequence, and behind which stamps there are expired locks. */
const HEAD = /^(?<epoch>[\w-]{16})(?<joined>[\w.-]*):(?<sequence>\d{1,16})(?::(?<expired>[\d,]*))?$/
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
