import { Split } from './history.ts'
import { Patience } from './patience.ts'
import { keysOf, type Trouble } from './scenario.ts'
import { stampsOf } from './shop.ts'
import { NAMESPACE, type World } from './world.ts'

/** Trouble that could come now. */
export interface Fault {
  readonly kind: keyof Trouble
  readonly text: string
  /** Tells it apart from every other that could come at the same moment. */
  readonly id: string
  /** The process that it happens to; undefined where it happens to the store, or to all. */
  readonly process: string | undefined
  readonly run: () => void
}

type Found = readonly [text: string, run: () => void, process?: string, id?: string | number]

/** Trouble of every kind that the scenario has left, one by one. */
export class Faults {
  readonly #world: World
  readonly #left: Partial<Record<keyof Trouble, number>>
  readonly #patience: Patience
  #promote: (() => void) | undefined

  constructor(world: World) {
    this.#world = world
    this.#patience = new Patience(world)
    this.#left = { ...world.scenario.trouble }
  }

  get any(): boolean {
    for (const kind in this.#left) if ((this.#left[kind as keyof Trouble] ?? 0) > 0) return true
    return false
  }

  /** All that could come now, in a fixed order. */
  possible(): Fault[] {
    return (Object.keys(this.#left) as (keyof Trouble)[]).flatMap((kind) =>
      (this.#left[kind] ?? 0) > 0
        ? this.#of(kind).map(([text, run, process, id = text]) => ({
            kind,
            text,
            id: `${kind} ${id}`,
            process,
            run: () => this.#happen(kind, run),
          }))
        : [],
    )
  }

  #happen(kind: keyof Trouble, run: () => void): void {
    this.#left[kind] = (this.#left[kind] ?? 0) - 1
    this.#world.steps.chain = this.#world.steps.newChain()
    run()
  }

  #of(kind: keyof Trouble): Found[] {
    const world = this.#world
    const alive = world.alive()
    switch (kind) {
      case 'pass':
        return this.#passes().map((by) => [`${by} ms pass`, () => this.#pass(by)])
      case 'evict':
        return this.#evictions()
      case 'crash':
        return alive.flatMap(({ name }) => [
          [`${name} crashes; what it has sent arrives`, () => world.crash(name, true), name],
          [`${name} crashes; what it has sent is lost`, () => world.crash(name, false), name],
        ])
      case 'lose':
        return firstMessages(world).map((step) => [
          `lost: ${step.text()}`,
          () => world.steps.drop(step),
          step.process,
        ])
      case 'break':
        return world.wire.asks.map((ask) => [
          `${ask.process}: the connection breaks ${ask.carriedOut ? 'after' : 'before'} the store has carried out ${ask.text()}`,
          () => ask.fail(),
          ask.process,
          ask.id,
        ])
      case 'fail':
        return world.database
          .loading()
          .map(([step, fail]) => [`fails: ${step.text()}`, fail, step.process, step.id])
      case 'disconnect':
        return alive.map(({ name }) => [`${name} loses its subscription`, () => this.#disconnect(name), name])
      case 'flush':
        return [['the store loses everything', () => world.wire.memory.flush()]]
      case 'failover':
        return this.#failover()
      case 'split':
        return this.#split()
    }
  }

  #passes(): readonly number[] {
    const { scenario, time } = this.#world
    const { passes = [], mode } = scenario
    if (mode === 'bounded') return passes
    const limit = this.#patience.limit()
    const within = passes.filter((by) => time.now + by <= limit)
    const next = this.#patience.next()
    return next === undefined || within.includes(next) ? within : [...within, next]
  }

  #pass(by: number): void {
    this.#patience.pass(by)
    this.#world.time.advance(by)
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

  #failover(): Found[] {
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
          this.#again('failover')
        },
      ],
    ]
  }

  #split(): Found[] {
    const { wire, history } = this.#world
    if (history.split === undefined) {
      const run = () => {
        wire.split()
        history.split = new Split(this.#world.moment, wire.isolated)
        this.#again('split')
      }
      return [['the primary is cut off, and a replica promoted', run]]
    }
    return wire.isolated.map((name) => [
      `${name} finds the new primary`,
      () => {
        this.#world.move(name)
        this.#again('split')
      },
      name,
    ])
  }

  /** What has begun has to go on. */
  #again(kind: keyof Trouble): void {
    this.#left[kind] = (this.#left[kind] ?? 0) + 1
  }

  #evictions(): Found[] {
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
