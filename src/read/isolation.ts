import type { Isolation } from '../core/cache-options.ts'

/** A value as memory keeps it. */
export interface Isolated {
  readonly value: unknown
  /** Whether each reader must get a clone. */
  readonly cloned: boolean
}

/**
 * Keeps a value from being changed by those who read it. Throws what `structuredClone` throws for a value that can be
 * neither frozen nor cloned faithfully.
 */
export function isolate(value: unknown, isolation: Isolation): Isolated {
  if (typeof value !== 'object' || value === null) return { value, cloned: false }
  if (isolation === 'none') return { value, cloned: false }
  if (isolation === 'freeze') {
    // Trees of a usual size are walked without taking notes; a circle, or much that is shared, runs out of steps.
    const steps = { left: MOST_STEPS }
    const small = isFreezableTree(value, steps)
    if (small && steps.left > 0) return { value: freezeAll(value), cloned: false }
    if (steps.left === 0 && canFreeze(value, new Set()))
      return { value: deepFreeze(value, new Set()), cloned: false }
  }
  checkPlain(value, new Set())
  return { value: structuredClone(value), cloned: true }
}

/** As {@link isolate}, of a value that a codec has just made and nobody else holds. */
export function isolateDecoded(value: unknown, isolation: Isolation): Isolated {
  if (typeof value !== 'object' || value === null || isolation === 'none') return { value, cloned: false }
  if (isolation === 'freeze' && freezeTree(value)) return { value, cloned: false }
  checkPlain(value, new Set())
  return { value, cloned: true }
}

/** Freezes as far as freezing protects. @returns whether that is all of it */
function freezeTree(value: object): boolean {
  // Met before: some codecs give one object in several places.
  if (Object.isFrozen(value)) return true
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null && !freezeTree(item)) return false
  } else {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null && hasInnerState(value)) return false
    for (const name in value) {
      const property = (value as Record<string, unknown>)[name]
      if (typeof property === 'object' && property !== null && !freezeTree(property)) return false
    }
  }
  Object.freeze(value)
  return true
}

/** What a reader gets. */
export function deliver(value: unknown, cloned: boolean): unknown {
  return cloned ? structuredClone(value) : value
}

const MOST_STEPS = 2_000

/** As {@link canFreeze}, as long as steps are left. */
function isFreezableTree(value: object, steps: { left: number }): boolean {
  if (--steps.left === 0) return false
  if (hasInnerState(value)) return false
  for (const property of Object.values(value)) {
    if (typeof property === 'object' && property !== null && !isFreezableTree(property, steps)) return false
    if (steps.left === 0) return false
  }
  return true
}

/** Freezes a tree. */
function freezeAll(value: object): object {
  Object.freeze(value)
  for (const property of Object.values(value)) {
    if (typeof property === 'object' && property !== null) freezeAll(property)
  }
  return value
}

function hasInnerState(value: object): boolean {
  return (
    value instanceof Date ||
    value instanceof Map ||
    value instanceof Set ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer
  )
}

/** Whether freezing protects all of it: not so for Date, Map, Set and binary data, which have inner state. */
function canFreeze(value: unknown, seen: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value)) return true
  seen.add(value)
  if (hasInnerState(value)) return false
  return Object.values(value).every((property) => canFreeze(property, seen))
}

function deepFreeze(value: object, seen: Set<object>): object {
  if (seen.has(value)) return value
  seen.add(value)
  Object.freeze(value)
  for (const property of Object.values(value)) {
    if (typeof property === 'object' && property !== null) deepFreeze(property, seen)
  }
  return value
}

/** structuredClone would silently turn an instance of a class into a plain object. */
function checkPlain(value: unknown, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  seen.add(value)
  if (value instanceof Date || ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return
  if (value instanceof Map || value instanceof Set) {
    for (const item of value instanceof Map ? [...value.keys(), ...value.values()] : value)
      checkPlain(item, seen)
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (
    prototype !== Object.prototype &&
    prototype !== null &&
    !Array.isArray(value) &&
    !(value instanceof Error)
  ) {
    throw new TypeError(`an instance of ${value.constructor?.name ?? 'a class'} cannot be cloned faithfully`)
  }
  for (const property of Object.values(value)) checkPlain(property, seen)
}
