import { randomBytes } from 'node:crypto'

/** Where tokens, epochs and nonces come from. Replaceable so that a schedule can be replayed from its seed. */
export interface Randomness {
  /** A fresh token: 16 characters of `[A-Za-z0-9_-]` that carry 96 bits. Never the same twice. */
  token(): string
  /** A number from 0 up to, not including, 1. For jitter only. */
  fraction(): number
}

const POOL_BYTES = 12 * 256

/** The machine's cryptographic randomness, drawn in blocks because one draw per token costs a microsecond. */
export function systemRandomness(): Randomness {
  let pool = Buffer.alloc(0)
  let used = 0
  return {
    token() {
      if (used + 12 > pool.length) {
        pool = randomBytes(POOL_BYTES)
        used = 0
      }
      used += 12
      return pool.toString('base64url', used - 12, used)
    },
    fraction: Math.random,
  }
}
