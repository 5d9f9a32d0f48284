import type { Clock } from '../core/clock.ts'
import type { Randomness } from '../core/random.ts'
import type { Leads } from '../core/store.ts'

/** A key, and how often it was read: recent reads count more. */
export interface HotKey {
  readonly key: string
  readonly reads: number
}

/** What the fleet's processes have read most, as it stands in the store. */
export interface SharedReads {
  /** When the counts were true, in milliseconds since 1970. */
  readonly at: number
  readonly keys: readonly HotKey[]
}

const NAME = 'top'
/** For how long a process may take to read the list, add to it and write it. */
const TURN_MS = 5_000
const ATTEMPTS = 5
const LONGEST_PAUSE_MS = 500
/** So that the list stays a matter of one step of the store, however long its keys are. */
const LONGEST_LIST = 200_000

/** What a shared list works with. */
export interface SharedListRoom {
  readonly clock: Clock
  readonly randomness: Randomness
  readonly leads: Leads
  readonly title: string
  readonly label: string
  readonly limit: number
  readonly halfLifeMs: number
}

/**
 * One list for the fleet, in the store. A process adds what it has counted while it holds the list's lead, so that no two
 * of them overwrite each other, under its fence. What was counted long ago fades by the clock.
 */
export class SharedList {
  readonly #room: SharedListRoom

  constructor(room: SharedListRoom) {
    this.#room = room
  }

  async read(): Promise<SharedReads> {
    const { entries } = await this.#room.leads.records(this.#room.title)
    return parse(entries?.get(NAME))
  }

  /** Adds counts. @returns the list afterwards; undefined where others were at it all the time: keep the counts */
  async add(counted: readonly HotKey[]): Promise<SharedReads | undefined> {
    const { clock, randomness, leads, title, label } = this.#room
    const holder = randomness.token()
    const candidacy = { title, holder, label }
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { held, fence } = await leads.lead({ ...candidacy, ttlMs: TURN_MS })
      if (!held) {
        await new Promise<void>((resolve) => {
          clock.after(LONGEST_PAUSE_MS * randomness.fraction(), resolve)
        })
        continue
      }
      try {
        const list = this.merge(await this.read(), counted)
        const entries = new Map([[NAME, written(list)]])
        const reply = await leads.record({ title, entries, term: { holder, fence } })
        return reply.written ? list : undefined
      } finally {
        await leads.lead({ ...candidacy, ttlMs: 0 }).catch(() => {})
      }
    }
    return undefined
  }

  /** The list as of now, with these counts added: the hottest first. */
  merge({ at, keys }: SharedReads, counted: readonly HotKey[]): SharedReads {
    const { clock, limit, halfLifeMs } = this.#room
    const now = clock.now()
    const faded = 0.5 ** (Math.max(0, now - at) / halfLifeMs)
    const reads = new Map(keys.map((one) => [one.key, one.reads * faded]))
    for (const one of counted) reads.set(one.key, (reads.get(one.key) ?? 0) + one.reads)
    return { at: now, keys: byReads(reads, limit) }
  }
}

/** Keys by their reads, the most read first. */
export function byReads(reads: ReadonlyMap<string, number>, limit: number): HotKey[] {
  return [...reads]
    .map(([key, count]) => ({ key, reads: Math.round(count * 100) / 100 }))
    .filter((one) => one.reads > 0)
    .sort((one, other) => other.reads - one.reads)
    .slice(0, limit)
}

function written({ at, keys }: SharedReads): string {
  const pairs: string[] = []
  let length = 0
  for (const { key, reads } of keys) {
    const pair = JSON.stringify([key, reads])
    length += pair.length + 1
    if (length > LONGEST_LIST) break
    pairs.push(pair)
  }
  return `{"at":${at},"keys":[${pairs.join(',')}]}`
}

/** What cannot be read is an empty list: another version may have written it. */
function parse(text: string | undefined): SharedReads {
  try {
    const { at, keys } = JSON.parse(text ?? '{}') as { at?: unknown; keys?: unknown }
    if (typeof at === 'number' && Array.isArray(keys)) {
      return { at, keys: keys.flatMap(([key, reads]) => (isCount(key, reads) ? [{ key, reads }] : [])) }
    }
  } catch {
    // As if there were none.
  }
  return { at: 0, keys: [] }
}

function isCount(key: unknown, reads: unknown): boolean {
  return typeof key === 'string' && typeof reads === 'number' && reads > 0
}
