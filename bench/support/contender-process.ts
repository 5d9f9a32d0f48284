import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ContenderOptions } from './contender.ts'
import type { ReadLog } from './staleness.ts'

/** What a contender's process is told to do. `cache` names one of those it has opened. */
export type Order =
  | { readonly do: 'open'; readonly cache: string; readonly kind: string; readonly options: ContenderOptions }
  | {
      readonly do: 'read'
      readonly cache: string
      readonly key: string
      readonly group: string
      /** What the database says now: what a load that this read starts returns. */
      readonly version: number
      /** Whether such a load ends only when it is released. */
      readonly hold: boolean
    }
  | { readonly do: 'release'; readonly key: string }
  | {
      readonly do: 'invalidate'
      readonly cache: string
      readonly key: string | undefined
      readonly group: string
    }
  | { readonly do: 'stampede'; readonly cache: string; readonly key: string; readonly reads: number }
  | { readonly do: 'storm'; readonly cache: string; readonly storm: Storm }
  | { readonly do: 'close' }

/** Random reads and writes of rows whose versions another Redis keeps. */
export interface Storm {
  /** Of that Redis. */
  readonly database: number
  readonly seconds: number
  readonly keys: number
  readonly groups: number
  /** This process writes the keys whose number leaves this rest when divided by `processes`. */
  readonly member: number
  readonly processes: number
  readonly by: 'key' | 'group'
}

/** What the child sends: the answer to an order, or that the load of a key has begun and waits. */
export type Message =
  | { readonly answers: number; readonly value?: unknown; readonly error?: string }
  | { readonly loading: string }

/** How something ended, and how long it took. */
export interface Ended<T> {
  readonly how: 'resolved' | 'rejected' | 'hung'
  readonly value: T | undefined
  readonly ms: number
}

/** A process with one contender or several in it, that does what it is told. */
export class ContenderProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (message: Message) => void>()
  readonly #loading = new Map<string, () => void>()
  #orders = 0

  constructor() {
    this.#child = fork(fileURLToPath(new URL('./contender-member.ts', import.meta.url)), {
      serialization: 'advanced',
    })
    this.#child.on('message', (message: Message) => {
      if ('loading' in message) this.#loading.get(message.loading)?.()
      else this.#waiting.get(message.answers)?.(message)
    })
    this.#child.on('exit', (code) => {
      for (const answer of this.#waiting.values())
        answer({ answers: 0, error: `its process has ended with code ${code}` })
    })
  }

  open(cache: string, kind: string, options: ContenderOptions): Promise<unknown> {
    return this.#tell({ do: 'open', cache, kind, options })
  }

  /** Resolves with the version read. */
  read(cache: string, key: string, group: string, version: number): Promise<number> {
    return this.#tell({ do: 'read', cache, key, group, version, hold: false }) as Promise<number>
  }

  /** Starts a read whose load has seen this version and does not end; resolves once the load has begun. */
  async hold(
    cache: string,
    key: string,
    group: string,
    version: number,
  ): Promise<{ release(): Promise<unknown> }> {
    const loading = new Promise<void>((resolve) => this.#loading.set(key, resolve))
    const reading = this.#tell({ do: 'read', cache, key, group, version, hold: true })
    await Promise.race([loading, reading])
    return {
      release: async () => {
        await this.#tell({ do: 'release', key })
        await reading
      },
    }
  }

  /** Without a key: the group. Resolves with whether the library says that it is done. */
  invalidate(cache: string, group: string, key?: string): Promise<boolean> {
    return this.#tell({ do: 'invalidate', cache, key, group }) as Promise<boolean>
  }

  /** Resolves with the loads that so many reads of one key at once have caused. */
  stampede(cache: string, key: string, reads: number): Promise<number> {
    return this.#tell({ do: 'stampede', cache, key, reads }) as Promise<number>
  }

  storm(cache: string, storm: Storm): Promise<ReadLog> {
    return this.#tell({ do: 'storm', cache, storm }) as Promise<ReadLog>
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const gone = once(this.#child, 'exit')
    await limited(this.#tell({ do: 'close' }), 500)
    this.#child.kill('SIGKILL')
    await gone
  }

  async #tell(order: Order): Promise<unknown> {
    const id = this.#orders++
    const answer = await new Promise<Message>((resolve) => {
      this.#waiting.set(id, resolve)
      if (this.#child.connected) this.#child.send([id, order])
      else resolve({ answers: id, error: 'its process has ended' })
    })
    this.#waiting.delete(id)
    if ('error' in answer && answer.error !== undefined) throw new Error(answer.error)
    return 'value' in answer ? answer.value : undefined
  }
}

/** Waits for an operation, but no longer than this. Never rejects. */
export async function limited<T>(operation: Promise<T>, patienceMs: number): Promise<Ended<T>> {
  const began = performance.now()
  const ended = (how: Ended<T>['how'], value?: T) => ({ how, value, ms: performance.now() - began })
  const patience = new AbortController()
  const result = await Promise.race([
    operation.then(
      (value) => ended('resolved', value),
      () => ended('rejected'),
    ),
    sleep(patienceMs, undefined, { signal: patience.signal }).then(
      () => ended('hung'),
      () => ended('hung'),
    ),
  ])
  patience.abort()
  return result
}
