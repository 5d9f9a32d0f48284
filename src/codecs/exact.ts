import { CacheError } from '../core/errors.ts'

/** A class whose instances a codec keeps by itself. */
export type Kept = abstract new (...args: never[]) => object

/** What a format gives back as it was, besides plain objects and arrays, text, finite numbers, booleans and null. */
export interface Exactness {
  readonly codec: string
  /** Of exactly these classes, not of those derived from them. */
  readonly classes: readonly Kept[]
  /** Values of these classes are left to the format as they are; the caller vouches for them. */
  readonly trusted?: readonly Kept[]
  /** Objects without a prototype. */
  readonly bareObjects?: boolean
  readonly negativeZero?: boolean
  /** Text with half a surrogate pair. */
  readonly loneSurrogates?: boolean
  readonly invalidDates?: boolean
  /** Names of properties that it loses. */
  readonly lostNames?: readonly string[]
}

/** Binary data that every Node.js has. */
export const INTEGER_ARRAYS: readonly Kept[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
]
export const OTHER_ARRAYS: readonly Kept[] = [Float32Array, Float64Array, BigInt64Array, BigUint64Array]

/**
 * Refuses what a format would change without a word: instances of other classes, getters, symbols, holes, circles, and
 * what its own rules add. One walk over the value.
 *
 * @throws CacheError `INVALID_VALUE`, naming the place.
 */
export function checkExact(value: unknown, rules: Exactness): void {
  new Walk(rules).visit(value, 'value')
}

class Walk {
  readonly #rules: Exactness
  readonly #prototypes: readonly unknown[]
  /** What has been walked through; a value in several places is walked through once. */
  readonly #seen = new Set<object>()
  readonly #above = new Set<object>()

  constructor(rules: Exactness) {
    this.#rules = rules
    this.#prototypes = rules.classes.map(({ prototype }) => prototype as unknown)
  }

  visit(value: unknown, path: string): void {
    switch (typeof value) {
      case 'string':
        if (this.#rules.loneSurrogates !== true && !value.isWellFormed())
          this.#refuse(path, 'text with half a surrogate pair')
        return
      case 'number':
        if (Object.is(value, -0) && this.#rules.negativeZero !== true) this.#refuse(path, '-0')
        return
      case 'bigint':
      case 'boolean':
      case 'undefined':
        return
      case 'object':
        if (value !== null) this.#object(value, path)
        return
      default:
        this.#refuse(path, `a ${typeof value}`)
    }
  }

  #object(value: object, path: string): void {
    if (this.#above.has(value)) this.#refuse(path, 'a circular structure')
    if (this.#seen.has(value)) return
    this.#above.add(value)
    this.#parts(value, path)
    this.#above.delete(value)
    this.#seen.add(value)
  }

  #parts(value: object, path: string): void {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Array.prototype) this.#array(value as unknown[], path)
    else if (prototype === Object.prototype || (prototype === null && this.#rules.bareObjects === true))
      this.#properties(value, path)
    else if (this.#rules.trusted?.some((kind) => value instanceof kind) !== true)
      this.#instance(value, prototype, path)
  }

  #instance(value: object, prototype: unknown, path: string): void {
    if (!this.#prototypes.includes(prototype)) this.#refuse(path, nameOf(value))
    const bytes = ArrayBuffer.isView(value) ? value.buffer : value
    if (bytes instanceof ArrayBuffer && (bytes as { resizable?: boolean }).resizable === true)
      this.#refuse(path, 'a resizable ArrayBuffer')
    if (ArrayBuffer.isView(value)) return
    if (Reflect.ownKeys(value).length > 0) this.#refuse(path, `${nameOf(value)} with properties of its own`)
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime()) && this.#rules.invalidDates !== true)
        this.#refuse(path, 'an invalid Date')
    } else if (value instanceof Map) {
      for (const [key, item] of value) {
        this.visit(key, path)
        this.visit(item, path)
      }
    } else if (value instanceof Set) for (const item of value) this.visit(item, path)
  }

  #array(items: readonly unknown[], path: string): void {
    // Every index and 'length'; nothing else, and no hole.
    if (Reflect.ownKeys(items).length !== items.length + 1)
      this.#refuse(path, 'an array with holes or properties of its own')
    for (let at = 0; at < items.length; at++) {
      if (!Object.hasOwn(items, at)) this.#refuse(path, 'an array with holes or properties of its own')
      this.visit(items[at], `${path}[]`)
    }
  }

  #properties(value: object, path: string): void {
    for (const name of Reflect.ownKeys(value)) {
      if (typeof name === 'symbol') throw this.#refuse(path, 'a symbol property')
      if (this.#rules.lostNames?.includes(name)) this.#refuse(path, `a property named ${name}`)
      if (this.#rules.loneSurrogates !== true && !name.isWellFormed())
        this.#refuse(path, 'a property name with half a surrogate pair')
      const property = Object.getOwnPropertyDescriptor(value, name) as PropertyDescriptor
      if (!property.enumerable || property.get !== undefined || property.set !== undefined)
        this.#refuse(`${path}.${name}`, 'a getter or hidden property')
      this.visit(property.value, `${path}.${name}`)
    }
  }

  #refuse(path: string, what: string): never {
    throw new CacheError(
      'INVALID_VALUE',
      `${path} is ${what}, which the ${this.#rules.codec} codec would not give back as it is. Return other data from the loader, or choose another codec for its family.`,
    )
  }
}

function nameOf(value: object): string {
  const maker: unknown = value.constructor
  return `an instance of ${(typeof maker === 'function' && maker.name) || 'a class'}`
}
