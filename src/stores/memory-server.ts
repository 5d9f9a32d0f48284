import type { Clock } from '../core/clock.ts'
import type { Randomness } from '../core/random.ts'
import type { StoreSession } from '../core/store.ts'
import { ApplicationState, NamespaceState } from './memory-state.ts'

/** A server: what it holds, under the names it is asked for. */
export class MemoryServer {
  readonly #clock: Clock
  readonly #randomness: Randomness
  readonly #namespaces = new Map<string, NamespaceState>()
  readonly #applications = new Map<string, ApplicationState>()

  constructor(clock: Clock, randomness: Randomness) {
    this.#clock = clock
    this.#randomness = randomness
  }

  namespace(name: string): NamespaceState {
    return ensure(this.#namespaces, name, () => new NamespaceState(this.#clock, this.#randomness))
  }

  application(namespace: string, name: string): ApplicationState {
    return ensure(this.#applications, `${namespace}/${name}`, () => new ApplicationState(this.#clock))
  }

  reset(): void {
    for (const application of this.#applications.values()) application.reset()
    for (const namespace of this.#namespaces.values()) namespace.reset()
  }

  /** Remembers everything. @returns what a server goes on with. */
  replica(): (into: MemoryServer) => void {
    const namespaces = [...this.#namespaces].map(([name, state]) => ({ name, copy: state.replica() }))
    const applications = [...this.#applications].map(([name, state]) => ({ name, copy: state.replica() }))
    return (into) => {
      for (const { name, copy } of namespaces) copy(into.namespace(name))
      for (const { name, copy } of applications) {
        copy(ensure(into.#applications, name, () => new ApplicationState(into.#clock)))
      }
    }
  }
}

/** What a session is connected to. */
export interface Home {
  readonly namespace: NamespaceState
  readonly application: ApplicationState
}

export function homeIn(server: MemoryServer, { namespace, name }: StoreSession): Home {
  return { namespace: server.namespace(namespace), application: server.application(namespace, name) }
}

function ensure<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
