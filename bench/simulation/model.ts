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
  /** Each so-manieth organisation is simulated, with as much less of memory: shares stay the same. */
  readonly oneOf: number
  readonly warmUpSeconds: number
  readonly seconds: number
  readonly seed: number
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

/** When a load that ended in a fill began; everything is void if it changed since. */
const NEVER = Number.NEGATIVE_INFINITY

/**
 * A discrete-event model of the read path: requests and changes at random times (Poisson), memory tiers that drop what
 * was used least recently, one store, one load at a time per key. One key per organisation. Redis loses nothing, and
 * messages take the same time to everybody.
 */
export function simulate(situation: Situation, effort: Effort): Simulated {
  const { processes, routing, ttlMs, loadMs, deliveryMs } = situation
  const dice = new Dice(effort.seed)
  const weights = sampledWeights(situation, effort.oneOf)
  const draw = aliasSampler(weights, dice)
  const orgs = weights.length
  const share = weights.reduce((sum, one) => sum + one, 0) / totalWeight(situation)
  const memoryEntries = Math.max(1, Math.round(situation.memoryEntries / effort.oneOf))
  const reads = situation.reads * share
  const writes = situation.writes * share
  const memories = Array.from({ length: processes }, () => new Map<number, number>())
  const changedAt = new Float64Array(orgs).fill(NEVER)
  const storedAt = new Float64Array(orgs).fill(NEVER)
  const loadingUntil = new Float64Array(orgs).fill(NEVER)
  const loadingBy = new Int32Array(orgs)
  const home = routing === 'any' ? undefined : Int32Array.from({ length: orgs }, () => dice.below(processes))
  const from = effort.warmUpSeconds * 1_000
  const until = from + effort.seconds * 1_000
  const counts = { reads: 0, memory: 0, store: 0, waited: 0, old: 0, loads: 0 }

  const remember = (memory: Map<number, number>, org: number, loadedAt: number) => {
    memory.delete(org)
    memory.set(org, loadedAt)
    if (memory.size > memoryEntries) memory.delete(memory.keys().next().value as number)
  }
  const isFresh = (loadedAt: number, now: number) => now - loadedAt - loadMs < ttlMs
  const read = (org: number, at: number, now: number): keyof typeof counts => {
    const memory = memories[at] as Map<number, number>
    const held = memory.get(org)
    const changed = changedAt[org] as number
    if (held !== undefined && isFresh(held, now)) {
      const unheard = held <= changed && now < changed + deliveryMs
      if (held > changed || unheard) {
        remember(memory, org, held)
        if (unheard && now >= from) counts.old++
        return 'memory'
      }
    }
    memory.delete(org)
    const stored = storedAt[org] as number
    const loading = (loadingUntil[org] as number) > now
    if (!loading && stored > changed && isFresh(stored, now)) {
      remember(memory, org, stored)
      return 'store'
    }
    if (loading) return loadingBy[org] === at ? 'waited' : 'store'
    loadingUntil[org] = now + loadMs
    loadingBy[org] = at
    storedAt[org] = now
    remember(memory, org, now)
    return 'loads'
  }

  for (let now = 0; now < until; ) {
    now += (-Math.log(1 - dice.fraction()) * 1_000) / (reads + writes)
    const org = draw()
    if (dice.fraction() * (reads + writes) < writes) {
      changedAt[org] = now
      // Whoever reads now loads anew; the load that is running fills nothing.
      loadingUntil[org] = NEVER
      continue
    }
    const at = home === undefined ? dice.below(processes) : (home[org] as number)
    const outcome = read(org, at, now)
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

function weight(rank: number, inequality: number): number {
  return rank ** -inequality
}

/** How often each simulated organisation is asked: those of every so-manieth rank. */
function sampledWeights({ organisations, inequality }: Situation, oneOf: number): number[] {
  const first = Math.ceil(oneOf / 2)
  const length = Math.floor((organisations - first) / oneOf) + 1
  return Array.from({ length }, (_, at) => weight(first + at * oneOf, inequality))
}

function totalWeight({ organisations, inequality }: Situation): number {
  let total = 0
  for (let rank = 1; rank <= organisations; rank++) total += weight(rank, inequality)
  return total
}

/** Draws indices as often as their weights say, each in constant time (Walker's alias method). */
export function aliasSampler(weights: readonly number[], dice: Dice): () => number {
  const { length } = weights
  const total = weights.reduce((sum, one) => sum + one, 0)
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
