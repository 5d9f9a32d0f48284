import { type MemoryStore, memoryStore } from 'coherent-cache/testing'
import type { Store, StoreDriver, StoreListener, StoreSession } from '../../src/core/store.ts'
import { countingRandomness } from './dice.ts'
import type { Step, Steps } from './steps.ts'
import type { Time } from './time.ts'

/** Something asked of the store that has not been answered. */
export interface Ask {
  readonly id: number
  readonly process: string
  readonly text: () => string
  /** Whether the store has done it, so that only the answer is missing. */
  readonly carriedOut: boolean
  /** The connection breaks: whether it was carried out will never be known. */
  fail(): void
}

interface OpenAsk extends Ask {
  carriedOut: boolean
  step: Step | undefined
  readonly afterwards: (() => void) | undefined
}

interface Line {
  readonly store: Store
  readonly listener: StoreListener
}

const ASKED = [
  'open',
  'values',
  'read',
  'fill',
  'prolong',
  'renew',
  'release',
  'rotate',
  'lock',
  'sweep',
  'heartbeat',
  'skeleton',
] as const

/** The way from processes to one memory store: each step, reply and message on it is a step of the schedule. */
export class Wire implements StoreDriver {
  readonly kind = 'memory'
  readonly holdsValues = true
  readonly memory: MemoryStore
  /** Soft locks by their id: whose they are, and until when they lie. */
  readonly locks = new Map<string, { readonly process: string; readonly until: number }>()
  readonly #steps: Steps
  readonly #time: Time
  readonly #lines = new Map<string, Line>()
  readonly #asks = new Set<OpenAsk>()
  /** Processes still connected to a primary that has been cut off. */
  readonly #isolated = new Set<string>()
  #moveTo: ((moves: (process: string) => boolean) => void) | undefined
  #asked = 0
  #sending: OpenAsk | undefined
  #carryingOut: OpenAsk | undefined

  constructor(steps: Steps, time: Time) {
    this.#steps = steps
    this.#time = time
    this.memory = memoryStore({
      clock: time.clockOf('store'),
      randomness: countingRandomness('S'),
      schedule: (run, what, process) => this.#schedule(run, what, nameOf(process)),
    })
  }

  get asks(): readonly Ask[] {
    return [...this.#asks]
  }

  connect(session: StoreSession): Store {
    const process = nameOf(session.process)
    const store = this.memory.connect(session)
    this.#lines.set(process, { store, listener: session.listener })
    const asked = ASKED.map((name) => [
      name,
      (...args: unknown[]) =>
        this.#ask(
          process,
          () => describe(name, args[0]),
          () => (store[name] as (...args: unknown[]) => Promise<unknown>)(...args),
          this.#noteLock(name, args[0], process, session.lockMs),
        ),
    ])
    return {
      ...(Object.fromEntries(asked) as Store),
      partition: (place) => store.partition(place),
      inspect: () => store.inspect(),
      reconnect: () => {
        this.disconnect(process)
        this.resubscribe(process)
      },
      close: () => store.close(),
    }
  }

  /** The process hears nothing more, and is told so. Messages on their way to it are lost. */
  disconnect(process: string): void {
    const line = this.#lines.get(process)
    void line?.store.close()
    this.#steps.dropWhere(({ lane }) => lane === laneTo(process))
    line?.listener.unsubscribed('the connection was lost')
  }

  /** Subscribes again, after {@link disconnect}. */
  resubscribe(process: string): void {
    const store = this.#lines.get(process)?.store
    if (store === undefined) return
    this.#ask(
      process,
      () => 'to subscribe again',
      () => store.open(),
    ).catch(() => {})
  }

  /** A replica is promoted; all that are connected stay with the old primary for now. */
  split(): void {
    this.#moveTo = this.memory.split()
    for (const process of this.#lines.keys()) this.#isolated.add(process)
  }

  get isolated(): readonly string[] {
    return [...this.#isolated]
  }

  /** A process loses the old primary and finds the new one. What it had asked for may have been carried out or not. */
  move(process: string): void {
    this.#isolated.delete(process)
    this.#steps.dropWhere(({ lane }) => lane === laneTo(process))
    for (const ask of this.#asks) if (ask.process === process) ask.fail()
    this.#moveTo?.((name) => nameOf(name) === process)
  }

  /** A process is no more. What it has asked for may still be carried out, if it has `arrived`. */
  forget(process: string, arrived: boolean): void {
    void this.#lines.get(process)?.store.close()
    this.#lines.delete(process)
    this.#isolated.delete(process)
    for (const ask of this.#asks) if (ask.process === process) this.#asks.delete(ask)
    this.#steps.dropWhere((step) => step.process === process && step.kind === 'ask' && !arrived)
  }

  /** Remembers how long soft locks lie, since a COMMIT must be answered while one does. */
  #noteLock(name: string, request: unknown, process: string, lockMs: number): (() => void) | undefined {
    const { lock } = (request ?? {}) as { readonly lock?: string }
    if (lock === undefined) return undefined
    if (name === 'rotate') return () => this.locks.delete(lock)
    return () => this.locks.set(lock, { process, until: this.#time.now + lockMs })
  }

  #ask<T>(process: string, text: () => string, call: () => Promise<T>, afterwards?: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const end = (error: unknown) => {
        this.#asks.delete(ask)
        reject(error as Error)
      }
      const ask: OpenAsk = {
        id: ++this.#asked,
        process,
        text,
        carriedOut: false,
        step: undefined,
        afterwards,
        fail: () => {
          if (ask.step !== undefined) this.#steps.drop(ask.step)
          end(new Error('the connection broke'))
        },
      }
      this.#asks.add(ask)
      this.#sending = ask
      const promise = call()
      this.#sending = undefined
      promise.then((value) => {
        this.#asks.delete(ask)
        resolve(value)
      }, end)
    })
  }

  #schedule(run: () => void, what: 'reply' | 'message', process: string): void {
    if (what === 'message') this.#message(run, process)
    else if (this.#carryingOut !== undefined) this.#reply(this.#carryingOut, run)
    else if (this.#sending !== undefined) this.#send(this.#sending, run)
  }

  #send(ask: OpenAsk, run: () => void): void {
    ask.step = this.#steps.add({
      kind: 'ask',
      process: ask.process,
      outlives: true,
      text: () => `store: carries out ${ask.text()} for ${ask.process}`,
      run: () => {
        ask.carriedOut = true
        this.#carryingOut = ask
        run()
        this.#carryingOut = undefined
        ask.afterwards?.()
      },
    })
  }

  #reply(ask: OpenAsk, run: () => void): void {
    const { process } = ask
    if (!this.#lines.has(process)) return
    const text = () => `${process}: the store has answered ${ask.text()}`
    ask.step = this.#steps.add({ kind: 'reply', process, text, run })
  }

  #message(run: () => void, process: string): void {
    if (!this.#lines.has(process)) return
    const about = this.#carryingOut
    const chain = this.#steps.newChain()
    if (about === undefined) {
      const text = () => `${process}: hears an acknowledgement`
      this.#steps.add({ kind: 'message', process, chain, text, run })
    } else {
      const text = () => `${process}: hears of ${about.text()} by ${about.process}`
      this.#steps.add({ kind: 'message', process, chain, lane: laneTo(process), text, run })
    }
  }
}

function laneTo(process: string): string {
  return `messages to ${process}`
}

/** A process is named by the cache's name, its instance and a token; the instance is its name here. */
function nameOf(process: string): string {
  return process.slice(process.indexOf('#') + 1, process.indexOf('@'))
}

function describe(name: string, request: unknown): string {
  const places = (Array.isArray(request) ? request : [request]) as readonly {
    readonly key?: string
    readonly stamps?: readonly string[]
    readonly keys?: readonly { readonly key: string }[]
  }[]
  const named = places.flatMap((place) => {
    if (place?.key !== undefined) return [place.key]
    return [...(place?.stamps ?? []), ...(place?.keys ?? []).map(({ key }) => key)]
  })
  return [name, ...named].join(' ')
}
