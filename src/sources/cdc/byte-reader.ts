import { CacheError } from '../../core/errors.ts'

/** Reads what a server sends, big-endian. Throws `REPLICATION_MESSAGE` where the bytes end before they should. */
export class ByteReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** One byte, as the character that it stands for. */
  tag(): string {
    return String.fromCharCode(this.#bytes[this.#skip(1)] as number)
  }

  byte(): number {
    return this.#bytes[this.#skip(1)] as number
  }

  int16(): number {
    return this.#bytes.readUInt16BE(this.#skip(2))
  }

  int32(): number {
    return this.#bytes.readUInt32BE(this.#skip(4))
  }

  int64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#skip(8))
  }

  /** A text that ends with a zero byte. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end < 0) throw unreadable('a text without an end')
    const text = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end + 1
    return text
  }

  /** A text of so many bytes. */
  textOf(length: number): string {
    const from = this.#skip(length)
    return this.#bytes.toString('utf8', from, from + length)
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#skip(this.left))
  }

  skip(length: number): void {
    this.#skip(length)
  }

  #skip(length: number): number {
    if (length > this.left) throw unreadable('cut short')
    const at = this.#at
    this.#at += length
    return at
  }
}

/** What is half understood is not acted upon. */
export function unreadable(what: string): CacheError {
  return new CacheError(
    'REPLICATION_MESSAGE',
    `A message of the replication stream cannot be read: ${what}. The source connects again, and has it sent once more.`,
  )
}
