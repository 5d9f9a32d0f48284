import type { KeyPlan } from '../core/dependency-map.ts'
import { type Duration, milliseconds } from '../core/duration.ts'
import type { Ttl } from '../core/lifetime.ts'
import type { LoadSource } from '../core/load-source.ts'
import type { LoaderContext } from '../core/loader.ts'

/** What a loader says about its value. */
export interface LoadNotes {
  ttl: Ttl | undefined
  skip: boolean
}

/** The context of one load. The abort signal is made only if the loader asks for it; its functions may be taken apart. */
export class LoadContext implements LoaderContext {
  readonly key: string
  readonly params: Readonly<Record<string, string>>
  readonly source: LoadSource['source']
  readonly position: LoadSource['position']
  readonly #signal: () => AbortSignal
  readonly #notes: LoadNotes

  constructor(
    { key, params }: KeyPlan,
    { source, position }: LoadSource,
    signal: () => AbortSignal,
    notes: LoadNotes,
  ) {
    this.key = key
    this.params = params
    this.source = source
    this.position = position
    this.#signal = signal
    this.#notes = notes
  }

  get signal(): AbortSignal {
    return this.#signal()
  }

  readonly setTtl = (ttl: Duration): void => {
    this.#notes.ttl = milliseconds(ttl, 'setTtl')
  }

  readonly skip = (): void => {
    this.#notes.skip = true
  }
}
