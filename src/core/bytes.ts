/** The same bytes as a Buffer, without copying them. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Whether the bytes begin with this ASCII text. */
export function beginsWith(bytes: Uint8Array, text: string): boolean {
  return bytes.byteLength >= text.length && asBuffer(bytes).toString('latin1', 0, text.length) === text
}
