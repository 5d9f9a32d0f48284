import { LRUCache } from 'lru-cache'
import { Dice } from '../../test/explorer/dice.ts'

/** A fleet and what is asked of it. Rates are those of the whole fleet, per second. */
export interface Situation {
  readonly organisations: number
  /** How unequal they are: the n-th most active is asked n^-s times as often. 0: all alike. */
  readonly inequality: number
  readonly reads: number
  /** Each voids what is cached of one organisation. */
  readonly writes: number
  readonly processes: number
  /** Whether all requests of an organisation come to one process, or each to any. */
  readonly routing: 'any' | 'by organisation'
  /** Entries of each memory tier. */
  readonly memoryEntries: number
  readonly ttlMs: number
  readonly loadMs: number
  /** From a rotation until other processes have applied it. */
  readonly deliveryMs: number
}

/** How it is simulated. */
export interface Effort {
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly seed: number
  /** Whether Redis is empty at first; else what it holds was filled at any time within one life. */
  readonly cold: boolean
}

/** What came of it: shares of all reads, and rates of the whole fleet per second. */
export interface Simulated {
  readonly inMemory: number
  readonly inRedis: number
  /** Reads that loaded, or shared the load of another read of their process. */
  readonly loaded: number
  /** Answers from memory older than a change, all within the time a message takes. */
  readonly old: number
  /** Loads per second: what reaches the database. */
  readonly loads: number
}

const NEVER = Number.NEGATIVE_INFINITY

/**
 * A discrete-event model of the read path: requests and changes at random times (Poisson), a memory tier that drops what
 * was used least recently, one store, one load at a time per key, one key per organisation. Redis loses nothing, and
 * messages take the same time to everybody.
 *
 * The processes are alike, so one of them is followed, read by read. What the others do to the store between two of its
 * reads of a key is drawn when it reads: after a change or at the end of a life the next load is begun by whoever reads
 * first.
 */
export function simulate(situation: Situation, effort: Effort): Simulated {
  const { processes, routing, ttlMs, loadMs, deliveryMs, memoryEntries } = situation
  const dice = new Dice(effort.seed)
  const exponential = (perMs: number) => -Math.log(1 - dice.fraction()) / perMs
  const weights = followed(situation)
  const scale = 1 / totalWeight(situation) / 1_000
  const here = weights.reduce((sum, one) => sum + one, 0) * scale
  const readsPerMs = here * situation.reads * (routing === 'any' ? 1 / processes : 1)
  const writesPerMs = here * situation.writes
  const others = routing === 'any' ? (processes - 1) / processes : 0
  const draw = aliasSampler(weights, dice)
  const memory = new LRUCache<number, number>({ max: memoryEntries })
  const changedAt = new Float64Array(weights.length).fill(NEVER)
  /** When the load began that the store has, or will have, the value of. */
  const loadedAt = Float64Array.from(weights, (weight) => {
    if (effort.cold) return NEVER
    // Values are the rarer the older they are: changes have taken them away.
    const perMs = weight * scale * situation.writes
    const share = dice.fraction()
    return perMs === 0 ? -share * ttlMs : Math.log(1 - share * (1 - Math.exp(-perMs * ttlMs))) / perMs
  })
  const byOthers = new Uint8Array(weights.length)
  const counts = { reads: 0, memory: 0, store: 0, waited: 0, loads: 0, old: 0 }
  const from = effort.warmUpSeconds * 1_000
  const until = from + effort.seconds * 1_000

  const endOf = (at: number) => at + loadMs + ttlMs
  /** Has the others load what was void or at its end before now, if they read it before now. */
  const catchUp = (org: number, now: number) => {
    const perMs = (weights[org] as number) * scale * situation.reads * others
    for (;;) {
      const loaded = loadedAt[org] as number
      const changed = changedAt[org] as number
      const missingSince = changed >= loaded ? Math.max(changed, 0) : Math.max(endOf(loaded), 0)
      if (missingSince >= now || perMs === 0) return
      const next = missingSince + exponential(perMs)
      if (next >= now) return
      loadedAt[org] = next
      byOthers[org] = 1
    }
  }
  const read = (org: number, now: number): 'memory' | 'store' | 'waited' | 'loads' => {
    const held = memory.get(org)
    const changed = changedAt[org] as number
    if (held !== undefined && now < endOf(held)) {
      const unheard = held <= changed && now < changed + deliveryMs
      if (held > changed || unheard) {
        memory.set(org, held)
        if (unheard && now >= from) counts.old++
        return now < held + loadMs ? 'waited' : 'memory'
      }
    }
    memory.delete(org)
    catchUp(org, now)
    const loaded = loadedAt[org] as number
    if (loaded > changed && now < endOf(loaded)) {
      memory.set(org, loaded)
      return now < loaded + loadMs && byOthers[org] === 0 ? 'waited' : 'store'
    }
    loadedAt[org] = now
    byOthers[org] = 0
    memory.set(org, now)
    return 'loads'
  }

  for (let now = 0; now < until; ) {
    now += exponential(readsPerMs + writesPerMs)
    const org = draw()
    if (dice.fraction() * (readsPerMs + writesPerMs) < writesPerMs) {
      // What the others have loaded before this change is void with it, and need not be drawn.
      changedAt[org] = now
      continue
    }
    const outcome = read(org, now)
    if (now < from) continue
    counts.reads++
    counts[outcome]++
  }
  return {
    inMemory: counts.memory / counts.reads,
    inRedis: counts.store / counts.reads,
    loaded: (counts.loads + counts.waited) / counts.reads,
    old: counts.old / counts.reads,
    loads: (counts.loads / counts.reads) * situation.reads,
  }
}

/** The mean of several simulations that differ by chance alone. */
export function simulateOften(times: number, situation: Situation, effort: Effort): Simulated {
  const all = Array.from({ length: times }, (_, at) =>
    simulate(situation, { ...effort, seed: effort.seed + at }),
  )
  const mean = (of: (one: Simulated) => number) => all.reduce((sum, one) => sum + of(one), 0) / times
  return {
    inMemory: mean(({ inMemory }) => inMemory),
    inRedis: mean(({ inRedis }) => inRedis),
    loaded: mean(({ loaded }) => loaded),
    old: mean(({ old }) => old),
    loads: mean(({ loads }) => loads),
  }
}

/** How often each organisation is asked that the followed process may be asked for. */
function followed({ organisations, inequality, processes, routing }: Situation): Float64Array {
  const every = routing === 'any' ? 1 : processes
  const first = Math.ceil(every / 2)
  const length = Math.floor((organisations - first) / every) + 1
  return Float64Array.from({ length }, (_, at) => (first + at * every) ** -inequality)
}

function totalWeight({ organisations, inequality }: Situation): number {
  let total = 0
  for (let rank = 1; rank <= organisations; rank++) total += rank ** -inequality
  return total
}

/** Draws indices as often as their weights say, each in constant time (Walker's alias method). */
export function aliasSampler(weights: ArrayLike<number>, dice: Dice): () => number {
  const { length } = weights
  let total = 0
  for (let at = 0; at < length; at++) total += weights[at] as number
  const chance = Float64Array.from(weights, (one) => (one * length) / total)
  const alias = new Int32Array(length)
  const [small, large]: [number[], number[]] = [[], []]
  for (let at = 0; at < length; at++) ((chance[at] as number) < 1 ? small : large).push(at)
  while (small.length > 0 && large.length > 0) {
    const [less, more] = [small.pop() as number, large.at(-1) as number]
    alias[less] = more
    chance[more] = (chance[more] as number) + (chance[less] as number) - 1
    if ((chance[more] as number) < 1) small.push(large.pop() as number)
  }
  for (const at of [...small, ...large]) chance[at] = 1
  return () => {
    const at = dice.below(length)
    return dice.fraction() < (chance[at] as number) ? at : (alias[at] as number)
  }
}
