import { asBuffer } from '../core/bytes.ts'
import { type Codec, LIBRARY_CODEC } from '../core/codec.ts'
import { CacheError } from '../core/errors.ts'

/** The first byte of a payload: plain JSON, or JSON in which other types are tagged. */
const PLAIN = 0
const TAGGED = 1
const MARK = '$'

type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

const ARRAYS = {
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
} as const

const KEPT: readonly unknown[] = [Date.prototype, Map.prototype, Set.prototype, ArrayBuffer.prototype]

/**
 * JSON that gives back exactly what it was given, or refuses: besides JSON's own types it keeps `undefined`, NaN,
 * infinities, -0, bigints, Date, Map, Set, ArrayBuffer, Buffer and typed arrays. Functions, symbols, instances of
 * other classes, circular structures, sparse arrays, getters, resizable buffers, and properties added to anything but plain objects are
 * refused: JSON.stringify would change them silently. (Properties added to typed arrays are not looked for.)
 */
export const jsonCodec = {
  [LIBRARY_CODEC]: true,
  id: 1,
  name: 'json',
  encode(value: unknown): Uint8Array {
    const plain = isPlain(value, [])
    const text = JSON.stringify(plain ? value : tag(value, [], 'value'))
    const bytes = Buffer.allocUnsafe(1 + Buffer.byteLength(text))
    bytes[0] = plain ? PLAIN : TAGGED
    bytes.write(text, 1)
    return bytes
  },
  decode(bytes: Uint8Array): unknown {
    const form = bytes[0]
    if (form !== PLAIN && form !== TAGGED)
      throw new CacheError('INVALID_VALUE', 'Not a value of the json codec.')
    const text = asBuffer(bytes).toString('utf8', 1)
    const parsed = JSON.parse(text) as Json
    return form === PLAIN ? parsed : untag(parsed)
  },
} satisfies Codec & { readonly [LIBRARY_CODEC]: true }

/** Whether JSON.stringify and JSON.parse give it back as it is. Most values are, and then cost one walk. */
function isPlain(value: unknown, above: object[]): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'object':
      break
    default:
      return false
  }
  if (value === null) return true
  if (above.includes(value)) return false
  above.push(value)
  const plain = Array.isArray(value) ? isPlainArray(value, above) : isPlainObject(value, above)
  above.pop()
  return plain
}

function isPlainArray(value: readonly unknown[], above: object[]): boolean {
  if (Object.getPrototypeOf(value) !== Array.prototype || !holdsItemsAlone(value)) return false
  return value.every((item) => isPlain(item, above))
}

/** Whether an array has every item, and no property beside them. */
function holdsItemsAlone(items: readonly unknown[]): boolean {
  const names = Object.keys(items)
  // Items come first, in order: as many names as items, the last of them the last item's.
  if (names.length !== items.length || Object.getOwnPropertySymbols(items).length > 0) return false
  return items.length === 0 || names.at(-1) === String(items.length - 1)
}

function isPlainObject(value: object, above: object[]): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0)
    return false
  for (const name of Object.getOwnPropertyNames(value)) {
    if (name === MARK || name === '__proto__' || name === 'toJSON' || !name.isWellFormed()) return false
    const property = Object.getOwnPropertyDescriptor(value, name) as PropertyDescriptor
    if (!property.enumerable || property.get !== undefined || property.set !== undefined) return false
    if (!isPlain(property.value, above)) return false
  }
  return true
}

function tag(value: unknown, above: readonly object[], path: string): Json {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
        ? value
        : { [MARK]: ['string', [...value].map((unit) => unit.codePointAt(0) ?? 0)] }
    case 'boolean':
      return value
    case 'number':
      if (Object.is(value, -0)) return { [MARK]: ['number', '-0'] }
      return Number.isFinite(value) ? value : { [MARK]: ['number', String(value)] }
    case 'bigint':
      return { [MARK]: ['bigint', String(value)] }
    case 'undefined':
      return { [MARK]: ['undefined'] }
    case 'object':
      break
    default:
      return refuse(path, `a ${typeof value}`)
  }
  if (value === null) return null
  if (above.includes(value)) return refuse(path, 'a circular structure')
  return tagObject(value, [...above, value], path)
}

function tagObject(value: object, above: readonly object[], path: string): Json {
  if (Object.getOwnPropertySymbols(value).length > 0) return refuse(path, 'a symbol property')
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Array.prototype) {
    const items = value as unknown[]
    if (!holdsItemsAlone(items)) return refuse(path, 'an array with holes or properties of its own')
    return items.map((item, at) => tag(item, above, `${path}[${at}]`))
  }
  const properties = ArrayBuffer.isView(value) ? [] : Object.entries(Object.getOwnPropertyDescriptors(value))
  if (KEPT.includes(prototype) && properties.length > 0)
    return refuse(path, `${nameOf(value)} with properties of its own`)
  if (prototype === Date.prototype) return { [MARK]: ['date', tag((value as Date).getTime(), above, path)] }
  if (prototype === Map.prototype) {
    return {
      [MARK]: [
        'map',
        [...(value as Map<unknown, unknown>)].map((pair) => pair.map((item) => tag(item, above, path))),
      ],
    }
  }
  if (prototype === Set.prototype) {
    return { [MARK]: ['set', [...(value as Set<unknown>)].map((item) => tag(item, above, path))] }
  }
  if (prototype === ArrayBuffer.prototype) {
    checkFixed(value as ArrayBuffer, path)
    return { [MARK]: ['bytes', 'ArrayBuffer', Buffer.from(value as ArrayBuffer).toString('base64')] }
  }
  if (ArrayBuffer.isView(value)) return tagView(value, prototype, path)
  if (prototype !== Object.prototype && prototype !== null) {
    return refuse(path, nameOf(value))
  }
  const pairs = properties.map(([name, property]): [string, Json] => {
    if (!name.isWellFormed()) refuse(path, 'a property name with a lone surrogate')
    if (property.get !== undefined || property.set !== undefined || !property.enumerable) {
      refuse(`${path}.${name}`, 'a getter or hidden property')
    }
    return [name, tag(property.value, above, `${path}.${name}`)]
  })
  // As pairs, so that no property name of the value is ever taken for the mark, or for a prototype.
  if (prototype === null) return { [MARK]: ['null', pairs] }
  if (pairs.some(([name]) => name === MARK || name === '__proto__')) return { [MARK]: ['object', pairs] }
  return Object.fromEntries(pairs)
}

function nameOf(value: object): string {
  const maker: unknown = value.constructor
  return `an instance of ${(typeof maker === 'function' && maker.name) || 'a class'}`
}

function tagView(value: ArrayBufferView, prototype: unknown, path: string): Json {
  checkFixed(value.buffer, path)
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
  if (prototype === Buffer.prototype) return { [MARK]: ['bytes', 'Buffer', bytes] }
  const name = Object.entries(ARRAYS).find(([, kind]) => kind.prototype === prototype)?.[0]
  return name === undefined
    ? refuse(path, 'binary data of an unknown kind')
    : { [MARK]: ['bytes', name, bytes] }
}

function checkFixed(buffer: ArrayBufferLike, path: string): void {
  if ((buffer as { resizable?: boolean }).resizable === true) refuse(path, 'a resizable ArrayBuffer')
}

function untag(json: Json): unknown {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(untag)
  const marked = Object.hasOwn(json, MARK) ? json[MARK] : undefined
  if (marked === undefined) {
    return properties(json, Object.entries(json))
  }
  const [kind, first, second] = marked as [string, Json, Json]
  switch (kind) {
    case 'string':
      // One by one: a long text is more arguments than a call takes.
      return (first as number[]).map((unit) => String.fromCodePoint(unit)).join('')
    case 'number':
      return Number(first)
    case 'bigint':
      return BigInt(first as string)
    case 'undefined':
      return undefined
    case 'date':
      return new Date(untag(first) as number)
    case 'map':
      return new Map((first as [Json, Json][]).map(([key, value]) => [untag(key), untag(value)]))
    case 'set':
      return new Set((first as Json[]).map(untag))
    case 'bytes':
      return binary(first as string, second as string)
    case 'null':
      return properties(Object.create(null), first as [string, Json][])
    case 'object':
      return properties({}, first as [string, Json][])
    default:
      throw new CacheError('INVALID_VALUE', `An unknown kind of value, ${JSON.stringify(kind)}.`)
  }
}

function properties(target: object, pairs: readonly [string, Json][]): object {
  for (const [name, value] of pairs) {
    Object.defineProperty(target, name, {
      value: untag(value),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return target
}

function binary(name: string, base64: string): unknown {
  const bytes = Buffer.from(base64, 'base64')
  if (name === 'Buffer') return bytes
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  if (name === 'ArrayBuffer') return buffer
  const ArrayKind = ARRAYS[name as keyof typeof ARRAYS]
  if (ArrayKind === undefined)
    throw new CacheError('INVALID_VALUE', `Binary data of an unknown kind, ${JSON.stringify(name)}.`)
  return new ArrayKind(buffer)
}

function refuse(path: string, what: string): never {
  throw new CacheError(
    'INVALID_VALUE',
    `${path} is ${what}, which a store cannot give back as it is. Return plain data from the loader: objects, arrays, text, numbers, Date, Map, Set, bigints, binary data.`,
  )
}
