import type { Clock } from '../../core/clock.ts'
import { CacheError } from '../../core/errors.ts'
import {
  type ClusterDiscovery,
  type ClusterNode,
  connectionOptions,
  type RedisClusterClient,
  type RedisConnection,
  retryLater,
} from './client.ts'

/** How long one node may take to say which slots are whose; then another one is asked. */
const ASKING_MS = 500

/**
 * Which node of a cluster serves which slot. It asks the cluster at first and whenever it is in doubt, through a client of
 * its own that is duplicated from the given one, and so has its start nodes, credentials and address maps; between times it
 * believes what nodes say of slots that have moved.
 */
export class ClusterMap {
  readonly #natMap: unknown
  readonly #discovery: ClusterDiscovery
  readonly #slots: readonly number[]
  readonly #owners = new Map<number, string>()
  readonly #listeners: (() => void)[] = []
  #template: ClusterNode | undefined
  #inDoubt = true
  #asking: Promise<void> | undefined
  #trouble: Error | undefined

  /** @param slots whose owners matter: those of the partitions */
  constructor(client: RedisClusterClient, slots: readonly number[]) {
    this.#natMap = client.options.natMap
    this.#slots = [...new Set(slots)]
    this.#discovery = client.duplicate([], {
      lazyConnect: true,
      enableOfflineQueue: false,
      // It asks one node at random and waits for ever; what a cluster cannot serve shows when it is asked for.
      enableReadyCheck: false,
      shardedSubscribers: false,
      enableAutoPipelining: false,
      scaleReads: 'master',
      keyPrefix: '',
      slotsRefreshTimeout: ASKING_MS,
      slotsRefreshInterval: undefined,
      clusterRetryStrategy: retryLater,
      redisOptions: { ...client.options.redisOptions, ...connectionOptions() },
    })
    this.#discovery.on('error', (error: Error) => {
      this.#trouble = error
    })
    this.#discovery.on('node error', (error: Error) => {
      this.#trouble = error
    })
  }

  /** Resolves when the cluster has been found; goes on trying by itself. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#discovery.on('ready', () => resolve())
      this.#discovery.connect().catch(() => {})
    })
  }

  /** Calls back whenever a slot of the partitions is known to have another owner than before. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** The address of the primary that serves a slot, as far as is known. */
  owner(slot: number): string | undefined {
    return this.#owners.get(slot)
  }

  /** The addresses of the primaries that serve the partitions. */
  get owners(): readonly string[] {
    return [...new Set(this.#owners.values())]
  }

  /** Whether a node has slots, as far as is known. */
  isPrimary(address: string): boolean {
    return (
      this.owners.includes(address) ||
      this.#discovery.nodes('master').some((node) => addressOf(node) === address)
    )
  }

  /** Whether the cluster should be asked before the next step is sent. */
  get isInDoubt(): boolean {
    return this.#inDoubt
  }

  /** Something failed, perhaps because a node has gone and another has its slots. */
  doubt(): void {
    this.#inDoubt = true
  }

  /** A node said who serves a slot. */
  learn(slot: number, address: string): void {
    if (this.#owners.get(slot) === address) return
    this.#owners.set(slot, address)
    for (const listener of this.#listeners) listener()
  }

  /** Asks the cluster, if there is doubt; one question at a time. @throws CacheError `STORE_UNAVAILABLE` */
  async settle(): Promise<void> {
    if (!this.#inDoubt) return
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    await this.#asking
  }

  #ask(): Promise<void> {
    const discovery = this.#discovery
    return new Promise((resolve, reject) => {
      if (discovery.status !== 'ready') {
        reject(this.unavailable())
        return
      }
      discovery.refreshSlotsCache((error) => {
        if (error) {
          this.#trouble = error
          // None of the nodes it knows answers: it begins anew with the start nodes.
          if (discovery.status === 'ready') discovery.disconnect(true)
          reject(this.unavailable())
          return
        }
        this.#inDoubt = false
        this.#trouble = undefined
        let changed = false
        for (const slot of this.#slots) {
          const address = discovery.slots[slot]?.[0]
          const before = this.#owners.get(slot)
          if (address === undefined || before === address) continue
          this.#owners.set(slot, address)
          if (before !== undefined) changed = true
        }
        if (changed) for (const listener of this.#listeners) listener()
        resolve()
      })
    })
  }

  /** The addresses of all primaries, asked for anew. */
  async primaries(): Promise<readonly string[]> {
    this.doubt()
    await this.settle()
    return this.#discovery.nodes('master').map(addressOf)
  }

  /** A connection of our own to a node. @throws CacheError `STORE_UNAVAILABLE` before the cluster has been found */
  dial(address: string, options: Record<string, unknown> = {}): RedisConnection {
    const nodes = this.#discovery.nodes('all')
    this.#template = nodes.find((node) => addressOf(node) === address) ?? nodes[0] ?? this.#template
    if (this.#template === undefined) throw this.unavailable()
    const colon = address.lastIndexOf(':')
    const place = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) }
    return this.#template.duplicate({ ...connectionOptions(), ...options, ...place, readOnly: false })
  }

  /** The address under which a node is reached that another one named. Without a host it is that one's own. */
  reachable(named: string, by: string): string {
    const full = named.startsWith(':') ? by.slice(0, by.lastIndexOf(':')) + named : named
    const mapped =
      typeof this.#natMap === 'function'
        ? this.#natMap(full)
        : (this.#natMap as Record<string, { host: string; port: number } | undefined> | undefined)?.[full]
    return mapped ? `${mapped.host}:${mapped.port}` : full
  }

  unavailable(trouble = this.#trouble): CacheError {
    const why = trouble?.message || `its client is in state ${this.#discovery.status}`
    return new CacheError('STORE_UNAVAILABLE', `The Redis Cluster cannot be reached: ${why}.`, {
      cause: trouble,
    })
  }

  close(): void {
    this.#discovery.disconnect()
  }
}

function addressOf({ options }: ClusterNode): string {
  return `${options.host}:${options.port}`
}

/** Resolves after a while; at once if it is cancelled. */
export function pause(clock: Clock, milliseconds: number): { readonly over: Promise<void>; cancel(): void } {
  let cancel = () => {}
  const over = new Promise<void>((resolve) => {
    const stop = clock.after(milliseconds, resolve)
    cancel = () => {
      stop()
      resolve()
    }
  })
  return { over, cancel: () => cancel() }
}
