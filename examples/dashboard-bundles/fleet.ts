import type { PGlite } from '@electric-sql/pglite'
import { type ManualClock, memoryStore } from 'coherent-cache/testing'
import { Bundles } from './bundle.ts'
import { openCache } from './cache.ts'
import { createService, type Service, type User } from './service.ts'
import { warmBundles } from './warm-bundles.ts'

/** Processes of the service over one store, one database and one clock that is turned. */
export class Fleet {
  readonly bundles: Bundles
  readonly services: Service[] = []
  readonly #client: PGlite
  readonly #clock: ManualClock
  readonly #store
  #started = 0

  constructor(client: PGlite, clock: ManualClock) {
    this.#client = client
    this.#clock = clock
    this.#store = memoryStore({ clock })
    this.bundles = new Bundles(client, clock)
  }

  async start(): Promise<Service> {
    const cache = openCache(`process-${++this.#started}`, this.#store, this.#clock)
    await cache.ready()
    const tenants = async () => {
      const { rows } = await this.#client.query<{ id: number }>(
        'SELECT id FROM tenants WHERE active ORDER BY id',
      )
      return rows.map(({ id }) => id)
    }
    const warming = warmBundles(cache, this.bundles, tenants)
    const service = createService(cache, this.#client, this.bundles, warming)
    this.services.push(service)
    return service
  }

  /** Asks for a dashboard. @returns the answer, and how long it took */
  async ask(service: Service, user: User, query = ''): Promise<{ response: Response; tookMs: number }> {
    const began = this.#clock.monotonic()
    const answering = service
      .dashboard(new Request(`http://localhost/dashboard?${query}`), user)
      .then((response) => ({ response, tookMs: this.#clock.monotonic() - began }))
    answering.catch(() => {})
    await this.#clock.advance(1_000)
    return answering
  }

  async stop(): Promise<void> {
    const closing = this.services.splice(0).map(({ cache }) => cache.close())
    await this.#clock.advance(10_000)
    await Promise.all(closing)
  }
}
