import type { Arbitrary } from 'fast-check'
import { type ErrorCode, isCacheError } from '../../src/core/errors.ts'

/** Something that parses what comes from outside, and what must be true of it whatever comes. */
export interface FuzzTarget {
  /** As given to `--only`. */
  readonly name: string
  /** What is parsed. */
  readonly parses: string
  /** What would be wrong, besides an exception that is not documented, and time out of proportion. */
  readonly wrong: string
  /** Cases, and the check of one, which throws where something is wrong. */
  readonly property: Checked
  /** Inputs of a given length that are as hard as they can be, by name. */
  readonly hard: Readonly<Record<string, HardInput>>
}

/** How one hard input is made and parsed. What is made is not timed. */
export type HardInput = (length: number) => () => unknown

/** Throws, or rejects, where something is wrong. */
export type Check<T> = (given: T) => void | Promise<void>

/** Cases with their check, whatever their type. */
export interface Checked {
  /** Runs `visit` with whatever type the cases have. */
  open<R>(visit: <T>(cases: Arbitrary<T>, check: Check<T>) => R): R
}

/** Pairs cases with the check of one. */
export function checked<T>(cases: Arbitrary<T>, check: Check<T>): Checked {
  return { open: (visit) => visit(cases, check) }
}

/** What is wrong with a case. */
export class Wrong extends Error {}

/** @throws Wrong unless it is so. */
export function must(so: boolean, what: string | (() => string)): asserts so {
  if (!so) throw new Wrong(typeof what === 'string' ? what : what())
}

/**
 * What a parser gives, or undefined where it refuses as documented: by a CacheError of one of these codes, with a
 * message that says whom it is about.
 */
export function unlessRefused<R>(codes: readonly ErrorCode[], parse: () => R): R | undefined {
  try {
    return parse()
  } catch (error) {
    must(
      isCacheError(error),
      () => `an undocumented exception: ${error instanceof Error ? error.stack : error}`,
    )
    must(codes.includes(error.code), () => `an undocumented code, ${error.code}: ${error.message}`)
    must(error.message.length < 2_000, () => `a message of ${error.message.length} characters`)
    return undefined
  }
}
