import { keyStamp } from '../core/stamp.ts'
import type { Store, StoreDriver, StoreSession } from '../core/store.ts'
import { RecentRotations } from './recent-rotations.ts'

/** Stands for every token: where one process is all there is, its own stamp table is the truth. */
const TOKEN = 'local'

interface Claim {
  readonly nonce: string
  readonly until: number
}

/**
 * The store of a cache that was given none. It holds no values and no stamps: memory holds the only copy, and the
 * process's own table decides. What is left to do is to grant fill claims.
 */
export const localStore: StoreDriver = {
  kind: 'none',
  holdsValues: false,
  connect: (session) => connect(session),
}

function connect({ clock, randomness, listener, replicaLagMs }: StoreSession): Store {
  const epoch = randomness.token()
  const claims = new Map<string, Claim>()
  const recent = new RecentRotations(clock.monotonic())
  let sequence = 0
  const holder = (key: string): string | undefined => {
    const claim = claims.get(key)
    return claim !== undefined && clock.monotonic() < claim.until ? claim.nonce : undefined
  }
  const positions = () => [{ partition: 0, epoch, sequence }]
  const voided = async (keys: readonly string[]) => {
    for (const key of keys) claims.delete(key)
    sequence++
    return { positions: positions(), maps: [] }
  }
  return {
    async open() {
      listener.subscribed()
    },
    partition: () => 0,
    async values(keys) {
      return keys.map(() => undefined)
    },
    async read(items) {
      const results = items.map(({ key, stamps, claim }) => {
        const held = holder(key)
        const granted = claim !== undefined && (held === undefined || claim.takeOver)
        if (granted) claims.set(key, { nonce: claim.nonce, until: clock.monotonic() + claim.ttlMs })
        return {
          value: undefined,
          voided: false,
          tokens: stamps.map(() => TOKEN),
          epoch,
          locked: false,
          claim: granted ? ('granted' as const) : held === undefined ? ('none' as const) : ('held' as const),
          holder: granted ? claim.nonce : held,
          from: recent.sourceOf(stamps, clock.monotonic(), replicaLagMs),
        }
      })
      return { positions: positions(), results }
    },
    async fill({ key, nonce, publish }) {
      if (holder(key) !== nonce) return { stored: false }
      if (publish) recent.note([keyStamp(key)], clock.monotonic(), replicaLagMs, undefined)
      return { stored: claims.delete(key) }
    },
    async prolong() {},
    async renew({ key }, nonce, ttlMs) {
      if (claims.get(key)?.nonce !== nonce) return false
      claims.set(key, { nonce, until: clock.monotonic() + ttlMs })
      return true
    },
    async release({ key }, nonce) {
      if (claims.get(key)?.nonce === nonce) claims.delete(key)
    },
    rotate({ stamps, keys, position }) {
      recent.note(stamps, clock.monotonic(), replicaLagMs, position)
      return voided(keys.map(({ key }) => key))
    },
    lock: async ({ stamps }) => ({ positions: positions(), maps: [], added: stamps.length }),
    sweep(patterns) {
      recent.everything(clock.monotonic())
      return voided([...claims.keys()].filter((key) => patterns.some((pattern) => pattern.test(key))))
    },
    async heartbeat() {
      return { positions: positions(), registrations: [] }
    },
    async inspect() {
      return []
    },
    async skeleton() {
      return undefined
    },
    reconnect() {},
    async close() {
      claims.clear()
    },
  }
}
