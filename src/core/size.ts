const OBJECT = 32
const SLOT = 16

/**
 * An estimate of the memory a value takes, in bytes: within a factor of two of what V8 uses for JSON-like data. However
 * deep the value, it needs no stack.
 */
export function sizeOf(value: unknown): number {
  const seen = new Set<object>()
  const left: unknown[] = [value]
  let bytes = 0
  while (left.length > 0) {
    const item = left.pop()
    bytes += ownSize(item)
    if (typeof item !== 'object' || item === null || seen.has(item)) continue
    seen.add(item)
    for (const part of partsOf(item)) {
      bytes += SLOT
      left.push(part)
    }
  }
  return bytes
}

function ownSize(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return 24 + value.length * 2
    case 'number':
    case 'bigint':
      return SLOT
    case 'object':
      if (value === null) return 8
      return OBJECT + (isBinary(value) ? value.byteLength : 0)
    default:
      return 8
  }
}

function partsOf(value: object): Iterable<unknown> {
  if (isBinary(value)) return []
  if (value instanceof Map) return [...value.keys(), ...value.values()]
  return value instanceof Set ? value : Object.values(value)
}

function isBinary(value: object): value is ArrayBuffer | ArrayBufferView {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer
}
