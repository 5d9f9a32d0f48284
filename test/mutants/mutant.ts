import type { ShapeName } from '../explorer/shapes.ts'
import type { Mode } from '../judging/promises.ts'

/** A text in a source file, and what stands in its place. The text must be there exactly once. */
export interface Edit {
  /** Below `src`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** One guard taken out. */
export interface Mutant {
  readonly name: string
  /** The rule of the protocol that the guard keeps, by section. */
  readonly rule: string
  readonly edits: readonly Edit[]
  /** The mode in which it shows. @default any */
  readonly mode?: Mode
  /** The shape of scenario in which it shows. @default any */
  readonly shape?: ShapeName
  /** A seed that catches it: tried first, before others are looked for. */
  readonly seed?: number
}

/** A mutant of one file, by one edit. */
export function mutant(
  name: string,
  rule: string,
  file: string,
  find: string,
  replace: string,
  caught: Pick<Mutant, 'mode' | 'shape' | 'seed'> = {},
): Mutant {
  return { name, rule, edits: [{ file, find, replace }], ...caught }
}
