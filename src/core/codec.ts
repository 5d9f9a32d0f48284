/** Turns values into bytes for a store, and back. */
export interface Codec {
  /** Names the format inside stored entries, 1 to 255: an entry of another codec is a miss. */
  readonly id: number
  readonly name: string
  /** @throws for a value that it could not give back exactly as it is. */
  encode(value: unknown): Uint8Array
  /** @throws for bytes that it did not make. */
  decode(bytes: Uint8Array): unknown
}
