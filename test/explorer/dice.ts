import type { Randomness } from '../../src/core/random.ts'

/** Choices that follow from a seed alone. */
export class Dice {
  #state: number

  /** @param stream tells apart dice of one seed. */
  constructor(seed: number, stream = 0) {
    this.#state = Math.imul(seed ^ (seed / 0x1_0000_0000), 0x9e37_79b1) ^ Math.imul(stream + 1, 0x5bd1_e995)
    this.fraction()
  }

  /** From 0 up to, not including, 1. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** How many of at most `most`: each one less likely than the one before. */
  count(most: number, probability = 0.5): number {
    let count = 0
    while (count < most && this.chance(probability)) count++
    return count
  }
}

/** Tokens that are never the same twice, told apart by who drew them. */
export function countingRandomness(owner: string): Randomness {
  let drawn = 0
  return {
    token: () => `${owner}${(++drawn).toString(36)}`.padStart(16, '-'),
    fraction: () => 0.5,
  }
}
