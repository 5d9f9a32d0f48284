import { CacheError, show } from '../../core/errors.ts'
import type { LogPosition } from '../../core/load-source.ts'
import { Replica, type ReplicaClient, type ReplicaPool } from './replica.ts'

/** From where to read: a loader's context, a mark. */
export interface ReadFrom {
  readonly source: 'primary' | 'any'
  readonly position?: LogPosition | undefined
}

/** Reads from the replicas in turn, where one of them is new enough. */
export class Replicas<Client extends ReplicaClient> {
  readonly #replicas: readonly Replica<Client>[]
  #turn = 0

  constructor(pools: readonly ReplicaPool<Client>[]) {
    this.#replicas = pools.map((pool) => new Replica(pool))
  }

  /** Undefined where none of them can serve. Rejects with what is wrong with the statement. */
  async read<R>(
    { source, position }: ReadFrom,
    send: (client: Client) => Promise<R>,
  ): Promise<{ readonly result: R } | undefined> {
    if (source === 'primary' && position === undefined) return undefined
    const first = this.#turn++
    for (let at = 0; at < this.#replicas.length; at++) {
      const replica = this.#replicas[(first + at) % this.#replicas.length]
      const answer = await replica?.read(position, send)
      if (answer !== undefined) return answer
    }
    return undefined
  }
}

/** @throws CacheError `INVALID_ARGUMENT` */
export function checkFrom(from: ReadFrom): void {
  if (from?.source === 'primary' || from?.source === 'any') return
  throw new CacheError(
    'INVALID_ARGUMENT',
    `reader: ${show(from)} does not say from where to read. Pass the context of a loader, or a mark.`,
  )
}
