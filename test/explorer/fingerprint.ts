/** Names a sequence of small numbers in 64 bits, as two halves that are mixed in different ways. */
export class Fingerprint {
  high = 0x811c_9dc5 | 0
  low = 0x9e37_79b9 | 0

  add(number: number): void {
    this.high = Math.imul(this.high ^ number, 0x0100_0193)
    this.low = Math.imul(this.low ^ (number + 0x7f4a_7c15), 0x85eb_ca6b)
    this.low ^= this.low >>> 13
    this.high ^= this.high >>> 16
  }

  text(text: string): void {
    for (let at = 0; at < text.length; at++) this.add(text.charCodeAt(at))
  }
}

const FIRST_ROOM = 1 << 16

/**
 * A set of fingerprints: 8 bytes and a little room for each, however many there are. Two different sequences share one
 * about once in 2^64 pairs, so that among millions it never undercounts by more than a few.
 */
export class FingerprintSet {
  #slots = new Int32Array(2 * FIRST_ROOM)
  size = 0

  /** @returns whether it was new */
  add({ high, low }: Pick<Fingerprint, 'high' | 'low'>): boolean {
    if (this.size * 4 > this.#slots.length) this.#grow()
    // Two zeros stand for an empty slot.
    return this.#put(high, low === 0 && high === 0 ? 1 : low)
  }

  /** All of them, as {@link read} reads them. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#slots.buffer)
  }

  /** Adds those of another set. */
  read(bytes: Uint8Array): void {
    const slots = new Int32Array(new Uint8Array(bytes).buffer)
    for (let at = 0; at < slots.length; at += 2) {
      const [high, low] = [slots[at] as number, slots[at + 1] as number]
      if (high !== 0 || low !== 0) this.add({ high, low })
    }
  }

  #put(high: number, low: number): boolean {
    const slots = this.#slots
    const last = slots.length / 2 - 1
    let at = (high ^ Math.imul(low, 0x9e37_79b1)) & last
    for (; slots[2 * at] !== 0 || slots[2 * at + 1] !== 0; at = (at + 1) & last) {
      if (slots[2 * at] === high && slots[2 * at + 1] === low) return false
    }
    slots[2 * at] = high
    slots[2 * at + 1] = low
    this.size++
    return true
  }

  #grow(): void {
    const before = this.#slots
    this.#slots = new Int32Array(2 * before.length)
    this.size = 0
    for (let at = 0; at < before.length; at += 2) {
      if (before[at] !== 0 || before[at + 1] !== 0) this.#put(before[at] as number, before[at + 1] as number)
    }
  }
}
