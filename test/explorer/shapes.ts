import type { Dice } from './dice.ts'
import type { Deed, Told, Trouble } from './scenario.ts'

/** A kind of scenario: what is likely in it. Each looks closely at one part of the protocol. */
export interface Shape {
  /** How many processes have actors: all in one, or any. */
  readonly places: 'one' | 'any'
  /** How likely it is that a process runs another version of the map. */
  readonly otherMap: number
  /** Whether there is one process alone, without a store. */
  readonly alone: boolean
  readonly newcomer: number
  readonly memory: number
  /** How many values memory has room for. */
  readonly room: readonly number[]
  readonly warm: number
  readonly ttls: readonly number[]
  readonly keys: readonly (readonly string[])[]
  readonly rows: readonly string[]
  readonly readers: number
  readonly writers: number
  readonly reads: readonly ((dice: Dice, keys: readonly string[]) => Deed)[]
  /** How likely a write is one of a unit. */
  readonly units: number
  readonly told: readonly Told[]
  readonly trouble: readonly (keyof Trouble)[]
  readonly mostTrouble: number
  readonly passes: readonly number[]
  readonly mostPasses: number
  /** Whether values are refreshed ahead of their end, and served after it by whoever reads. */
  readonly refreshes?: boolean
  /** Whether loaders read from a replica that lags. */
  readonly replicas?: boolean
}

type Read = Shape['reads'][number]

const get: Read = (dice, keys) => ({ do: dice.chance(0.8) ? 'get' : 'getEntry', key: dice.of(keys) })
const committed: Read = (dice, keys) => ({ do: 'get', key: dice.of(keys), freshness: 'committed' })
const reload: Read = (dice, keys) => ({ do: 'get', key: dice.of(keys), freshness: 'reload' })
const many: Read = (dice, keys) => ({
  do: 'getMany',
  keys,
  ...(dice.chance(0.3) ? { freshness: 'committed' } : {}),
})
const follow: Read = (dice, keys) => ({ do: 'follow', key: dice.of(keys) })
const peek: Read = (dice, keys) => ({ do: 'peek', key: dice.of(keys) })
const fill: Read = (dice, keys) => ({ do: 'fill', key: dice.of(keys) })
const stale: Read = (dice, keys) => ({ do: 'stale', key: dice.of(keys) })

const ONE = [['item:1']]
const LONG = 600_000

/** A little of everything. */
const general: Shape = {
  places: 'any',
  alone: false,
  otherMap: 0.15,
  newcomer: 0.1,
  memory: 0.92,
  room: [8, 8, 8, 1],
  warm: 0.8,
  ttls: [LONG, LONG, LONG, LONG, 1_500],
  keys: [['item:1'], ['item:1', 'item:2'], ['item:1', 'sum:a'], ['both:x'], ['item:1', 'both:x']],
  rows: ['1', '1', '1', '2'],
  readers: 3,
  writers: 3,
  reads: [get, get, get, committed, committed, reload, many, follow, peek, fill, stale],
  units: 0.65,
  told: ['row', 'row', 'row', 'table', 'keys', 'pattern', 'adhoc', 'scope', 'clear'],
  trouble: ['evict', 'crash', 'lose', 'break', 'fail', 'disconnect', 'flush', 'failover'],
  mostTrouble: 3,
  passes: [1, 60, 260, 500, 1_000, 1_100, 3_100],
  mostPasses: 5,
}

const plain: Shape = {
  ...general,
  otherMap: 0,
  newcomer: 0,
  memory: 1,
  room: [8],
  warm: 1,
  ttls: [LONG],
  keys: ONE,
  rows: ['1'],
  writers: 1,
  reads: [get],
  units: 1,
  told: ['row'],
  mostTrouble: 0,
  mostPasses: 0,
}

export const shapes = {
  general,
  /** Readers and a writer in one process. */
  home: { ...plain, places: 'one', reads: [get, get, committed, reload], told: ['row', 'keys'], units: 0.7 },
  /** Nothing but two processes and what they say to each other. */
  locks: { ...plain, reads: [get, get, committed], told: ['row', 'row', 'keys', 'adhoc'], writers: 2 },
  /** Locks that outlive the patience of their process, or their process. */
  expiry: {
    ...plain,
    writers: 2,
    reads: [committed, committed, get],
    trouble: ['crash', 'break'],
    mostTrouble: 1,
    passes: [400, 1_100, 1_500, 3_000],
    mostPasses: 8,
  },
  /** Nobody has read before, or for long. */
  cold: { ...plain, warm: 0, reads: [get, get, reload, stale], passes: [20, 1_100, 3_100], mostPasses: 3 },
  /** Messages that come late or never, and leases. */
  lease: {
    ...plain,
    keys: [['item:1', 'item:2'], ['item:1']],
    rows: ['1', '2'],
    writers: 2,
    trouble: ['lose', 'lose', 'disconnect'],
    mostTrouble: 1,
    passes: [200, 260, 500, 500, 600, 1_000],
    mostPasses: 6,
  },
  /** A store that forgets, or remembers too much. */
  restart: {
    ...plain,
    reads: [get, get, committed],
    trouble: ['flush', 'failover', 'evict'],
    mostTrouble: 2,
    passes: [60, 500, 1_000, 3_100],
    mostPasses: 3,
    told: ['row', 'keys', 'adhoc'],
    units: 0.7,
  },
  /** Without memory every read asks the store. */
  store: {
    ...plain,
    memory: 0,
    reads: [get, get, get, committed],
    writers: 2,
    trouble: ['lose', 'disconnect', 'evict'],
    mostTrouble: 1,
    passes: [260, 500, 1_000],
    mostPasses: 4,
  },
  /** A store that cannot be reached, and what is told to it later. */
  queue: {
    ...plain,
    otherMap: 0.3,
    reads: [get, get, follow],
    units: 0.5,
    told: ['row', 'keys', 'table', 'scope', 'adhoc'],
    trouble: ['break'],
    mostTrouble: 3,
    passes: [60, 60, 260],
    mostPasses: 3,
  },
  /** Keys, patterns and scopes instead of tables. */
  named: {
    ...plain,
    keys: [['item:1'], ['item:1', 'sum:a']],
    reads: [get, get, reload, fill, many],
    units: 0.3,
    told: ['keys', 'keys', 'adhoc', 'adhoc', 'pattern', 'scope'],
    trouble: ['lose', 'evict'],
    mostTrouble: 1,
    passes: [500, 1_000],
    mostPasses: 3,
  },
  /** What is read from the store just as something happens that its reader hears of before the answer. */
  late: {
    ...plain,
    reads: [committed, committed, get],
    keys: [['item:1', 'item:2']],
    rows: ['1', '1', '2'],
    readers: 2,
    writers: 3,
    trouble: ['lose'],
    mostTrouble: 1,
    passes: [300, 500],
    mostPasses: 2,
  },
  /** A store that begins anew, and messages that never tell of it. */
  reborn: {
    ...plain,
    keys: [['item:1', 'item:2'], ['item:1']],
    rows: ['1', '1', '2'],
    readers: 2,
    writers: 3,
    trouble: ['flush', 'failover', 'lose', 'lose'],
    mostTrouble: 3,
    passes: [300],
    mostPasses: 1,
  },
  /** Two stores, of which each believes to be the only one. */
  parted: {
    ...plain,
    warm: 0.7,
    memory: 0.8,
    writers: 3,
    readers: 3,
    reads: [get, get, committed, follow],
    units: 0.6,
    told: ['row', 'row', 'keys', 'adhoc'],
    trouble: ['split'],
    mostTrouble: 1,
    passes: [60, 260, 500, 1_000, 1_600, 3_100],
    mostPasses: 6,
  },
  /** Nothing is locked any more, or not yet everything. */
  unlocked: { ...plain, reads: [get, committed], trouble: ['failover', 'failover', 'flush'], mostTrouble: 1 },
  /** Two units that lock what another one has locked. */
  layers: {
    ...plain,
    keys: [['sum:a']],
    rows: ['1', '2'],
    writers: 2,
    reads: [committed],
    units: 0.6,
    told: ['row'],
  },
  /** Who holds a claim, and who believes to. */
  claims: {
    ...plain,
    warm: 0.2,
    reads: [get, committed, committed, reload],
    units: 0,
    told: ['keys', 'keys', 'row'],
    trouble: ['evict', 'lose'],
    mostTrouble: 1,
  },
  /** What takes the place of a value that nobody has called void. */
  replaced: {
    ...plain,
    keys: [['item:1'], ['item:1', 'item:2']],
    room: [8, 1],
    warm: 0.7,
    reads: [reload, reload, get, get, fill],
    units: 0.5,
    told: ['row', 'keys'],
    trouble: ['lose'],
    mostTrouble: 1,
    passes: [600, 1_000],
    mostPasses: 3,
  },
  /** A COMMIT that takes its time, while its process may renew its lock. */
  slow: { ...plain, readers: 2, reads: [committed], passes: [], mostPasses: 8 },
  /** Connections that break again just as the store is back. */
  severed: {
    ...plain,
    places: 'one',
    readers: 2,
    reads: [committed],
    units: 0,
    told: ['row', 'keys'],
    trouble: ['break'],
    mostTrouble: 2,
    passes: [60],
    mostPasses: 2,
  },
  /** Readers under the lock of a unit. */
  under: { ...plain, readers: 4, warm: 0.5, reads: [committed, committed, get] },
  /** Changes that the store has not been told of, read behind their tokens. */
  owed: {
    ...plain,
    keys: [['both:x'], ['item:1', 'both:x']],
    reads: [follow, follow, get],
    units: 0.3,
    told: ['row', 'keys', 'table'],
    trouble: ['break'],
    mostTrouble: 3,
    passes: [60],
    mostPasses: 2,
  },
  /** Loads that fail, for readers that would rather have an old value. */
  failing: {
    ...plain,
    ttls: [700],
    reads: [stale, stale, get],
    units: 0.5,
    told: ['row', 'keys'],
    trouble: ['fail', 'fail', 'lose'],
    mostTrouble: 2,
    passes: [500, 300, 1],
    mostPasses: 4,
  },
  /** Values that end all the time, are served past their end, and loaded anew in the background. */
  refresh: {
    ...plain,
    refreshes: true,
    ttls: [700, 1_500],
    keys: [['item:1'], ['item:1', 'item:2']],
    rows: ['1', '1', '2'],
    reads: [get, get, stale, many, committed, reload, fill],
    writers: 2,
    units: 0.5,
    told: ['row', 'keys', 'adhoc'],
    trouble: ['fail', 'lose', 'evict', 'failover'],
    mostTrouble: 2,
    passes: [1, 60, 300, 500, 800],
    mostPasses: 6,
  },
  /** One process, and no store. */
  alone: {
    ...plain,
    places: 'one',
    alone: true,
    ttls: [LONG, 700],
    keys: [['item:1'], ['item:1', 'both:x']],
    reads: [get, get, committed, reload, fill, many, stale],
    writers: 2,
    units: 0.5,
    told: ['row', 'keys', 'table', 'adhoc', 'scope', 'clear'],
    trouble: ['fail'],
    mostTrouble: 1,
    passes: [500, 300],
    mostPasses: 3,
  },
  /** Two versions of the application. */
  maps: {
    ...plain,
    otherMap: 1,
    newcomer: 0.4,
    ttls: [900_000_000],
    writers: 2,
    reads: [get, committed],
    units: 0.5,
    told: ['row', 'row', 'adhoc', 'pattern', 'scope'],
    keys: [['item:1'], ['item:1', 'sum:a']],
    passes: [500, 1_000, 90_000_000],
    mostPasses: 3,
  },
  /** Loads from a replica that lags as much as it may. */
  replica: {
    ...plain,
    replicas: true,
    ttls: [LONG, 500],
    warm: 0.5,
    keys: [['item:1'], ['item:1', 'item:2'], ['item:1', 'both:x']],
    rows: ['1', '1', '2'],
    readers: 3,
    writers: 2,
    reads: [get, get, committed, reload, many, follow, fill],
    units: 0.6,
    told: ['row', 'row', 'keys', 'adhoc', 'scope', 'table', 'clear'],
    trouble: ['evict', 'flush', 'failover', 'lose', 'break'],
    mostTrouble: 2,
    passes: [1, 100, 300, 699, 700, 800],
    mostPasses: 6,
  },
  /** Values made of values, reads inside units, fills by hand. */
  nested: {
    ...plain,
    keys: [['both:x'], ['item:1', 'both:x']],
    rows: ['1', '2'],
    writers: 2,
    reads: [get, get, committed, fill, many],
    passes: [500, 1_100],
    mostPasses: 2,
  },
} as const satisfies Record<string, Shape>

export type ShapeName = keyof typeof shapes

export const SHAPES = Object.keys(shapes) as ShapeName[]

/** Those that a seed is drawn from by its first dice: a shape that comes later is drawn by another, so that old seeds stand. */
export const FIRST_SHAPES = SHAPES.filter((name) => name !== 'refresh' && name !== 'replica')
