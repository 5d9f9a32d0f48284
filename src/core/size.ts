/** What an entry takes beside its key and value: itself, and its places in the tier's tables. */
const ENTRY = 240
/** What a stamp takes. */
const STAMP = 280
const WORD = 8
const MANY_PROPERTIES = 64

/**
 * An estimate of the memory an entry takes in V8 on 64 bits, in bytes, with its key and the stamps that it holds alone. For
 * rows, lists, texts, Maps and binary data it is right within a quarter; an object that is a table of names of its own takes
 * more. However deep the value, it needs no stack.
 */
export function sizeOfEntry(key: string, value: unknown, stamps: number): number {
  return ENTRY + sizeOfText(key) + stamps * STAMP + sizeOf(value)
}

/** As {@link sizeOfEntry}, of the value alone. */
export function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return sizeOfScalar(value)
  const seen = new Set<object>([value])
  const left: object[] = [value]
  let bytes = 0
  const count = (part: unknown, unboxed: boolean): void => {
    if (typeof part === 'object' && part !== null) {
      if (seen.has(part)) return
      seen.add(part)
      left.push(part)
    } else if (!unboxed || typeof part !== 'number') bytes += sizeOfScalar(part)
  }
  for (let item = left.pop(); item !== undefined; item = left.pop()) {
    if (Array.isArray(item)) {
      bytes += 4 * WORD + item.length * WORD
      // An array of numbers holds them as they are.
      for (const part of item) count(part, true)
    } else if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) {
      bytes += 25 * WORD + item.byteLength
    } else if (item instanceof Map) {
      bytes += 12 * WORD + item.size * 5 * WORD
      for (const [name, part] of item) {
        count(name, false)
        count(part, false)
      }
    } else if (item instanceof Set) {
      bytes += 12 * WORD + item.size * 4 * WORD
      for (const part of item) count(part, false)
    } else if (item instanceof Date) {
      bytes += 12 * WORD
    } else {
      bytes += 3 * WORD
      const names = Object.keys(item)
      // Few names are shared by all objects alike; many are likely a table's, each of its own.
      const table = names.length > MANY_PROPERTIES
      for (const name of names) {
        bytes += table ? 6 * WORD + sizeOfText(name) : WORD
        count((item as Record<string, unknown>)[name], false)
      }
    }
  }
  return bytes
}

/** Beside the word that refers to it. */
function sizeOfScalar(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return sizeOfText(value)
    case 'number':
      return value === (value | 0) ? 0 : 2 * WORD
    case 'bigint':
      return 4 * WORD
    default:
      return 0
  }
}

const WIDE = /[^\0-\xff]/

/** One byte a character where all are of Latin-1, else two. */
function sizeOfText(text: string): number {
  const bytes = WIDE.test(text) ? 2 * text.length : text.length
  return 2 * WORD + Math.ceil(bytes / WORD) * WORD
}
