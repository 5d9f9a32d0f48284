import { keysOf, SOFT_LOCK, type Trouble } from './scenario.ts'
import { stampsOf } from './shop.ts'
import { NAMESPACE, type World } from './world.ts'

/** Trouble that could come now. */
export interface Fault {
  readonly kind: keyof Trouble
  readonly text: string
  readonly run: () => void
}

/** Trouble of every kind that the scenario has left, one by one. */
export class Faults {
  readonly #world: World
  readonly #left: Partial<Record<keyof Trouble, number>>
  #promote: (() => void) | undefined

  constructor(world: World) {
    this.#world = world
    this.#left = { ...world.scenario.trouble }
  }

  get any(): boolean {
    return Object.values(this.#left).some((left) => left > 0)
  }

  /** All that could come now, in a fixed order. */
  possible(): Fault[] {
    return (Object.keys(this.#left) as (keyof Trouble)[]).flatMap((kind) =>
      (this.#left[kind] ?? 0) > 0
        ? this.#of(kind).map(([text, run]) => ({ kind, text, run: () => this.#happen(kind, run) }))
        : [],
    )
  }

  #happen(kind: keyof Trouble, run: () => void): void {
    this.#left[kind] = (this.#left[kind] ?? 0) - 1
    this.#world.steps.chain = this.#world.steps.newChain()
    run()
  }

  #of(kind: keyof Trouble): (readonly [text: string, run: () => void])[] {
    const world = this.#world
    const alive = world.alive()
    switch (kind) {
      case 'pass':
        return passes(world).map((by) => [`${by} ms pass`, () => world.time.advance(by)])
      case 'evict':
        return this.#evictions()
      case 'crash':
        return alive.flatMap(({ name }) => [
          [`${name} crashes; what it has sent arrives`, () => world.crash(name, true)],
          [`${name} crashes; what it has sent is lost`, () => world.crash(name, false)],
        ])
      case 'lose':
        return firstMessages(world).map((step) => [`lost: ${step.text()}`, () => world.steps.drop(step)])
      case 'break':
        return world.wire.asks.map((ask) => [
          `${ask.process}: the connection breaks ${ask.carriedOut ? 'after' : 'before'} the store has carried out ${ask.text()}`,
          () => ask.fail(),
        ])
      case 'disconnect':
        return alive.map(({ name }) => [`${name} loses its subscription`, () => this.#disconnect(name)])
      case 'flush':
        return [['the store loses everything', () => world.wire.memory.flush()]]
      case 'failover':
        return this.#failover()
    }
  }

  #disconnect(name: string): void {
    const { wire, steps } = this.#world
    wire.disconnect(name)
    steps.add({
      kind: 'act',
      process: name,
      text: () => `${name}: subscribes again`,
      run: () => wire.resubscribe(name),
    })
  }

  #failover(): (readonly [string, () => void])[] {
    const world = this.#world
    const { memory } = world.wire
    const promote = this.#promote
    if (promote !== undefined) {
      const run = () => {
        world.history.promotions.push(world.moment)
        promote()
      }
      return [['the replica is promoted', run]]
    }
    return [
      [
        'a replica begins to lag',
        () => {
          this.#promote = memory.replica()
          this.#left.failover = (this.#left.failover ?? 0) + 1
        },
      ],
    ]
  }

  #evictions(): (readonly [string, () => void])[] {
    const { memory } = this.#world.wire
    const keys = keysOf(this.#world.scenario)
    const maps = [...new Set(this.#world.alive().map(({ map }) => map))]
    const stamps = [...new Set(keys.flatMap((key) => maps.flatMap((map) => stampsOf(key, map))))]
    return [
      ...stamps.map(
        (name) => [`the stamp ${name} is evicted`, () => memory.evictStamp(NAMESPACE, name)] as const,
      ),
      ...keys.flatMap((key) =>
        (['value', 'claim'] as const).map(
          (what) =>
            [
              `the ${what} of ${key} is evicted`,
              () => memory.evictKey(NAMESPACE, NAMESPACE, key, what),
            ] as const,
        ),
      ),
    ]
  }
}

/** The oldest message on its way to each process. */
function firstMessages({ steps }: World) {
  return steps.enabled().filter(({ kind, lane }) => kind === 'message' && lane !== undefined)
}

/**
 * How far time may go. A COMMIT is promised to be answered within half a soft lock's lifetime of its sending, or to have
 * its lock renewed meanwhile.
 */
function passes({ scenario, time, database, wire }: World): readonly number[] {
  let limit = Number.POSITIVE_INFINITY
  for (const { process, committing = 0 } of database.committing()) {
    const locks = [...wire.locks.values()].filter((lock) => lock.process === process)
    const renewed = Math.min(...locks.map(({ until }) => until - 1))
    const promised = committing + SOFT_LOCK / 2
    limit = Math.min(limit, locks.length === 0 ? promised : Math.max(promised, renewed))
  }
  return (scenario.passes ?? []).filter((by) => scenario.mode === 'bounded' || time.now + by <= limit)
}
