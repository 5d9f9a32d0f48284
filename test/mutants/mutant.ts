import type { ShapeName } from '../explorer/shapes.ts'
import type { Mode } from '../judging/promises.ts'

/** A text in a source file, and what stands in its place. The text must be there exactly once. */
export interface Edit {
  /** Below `src`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A test file, and which of its tests, by a regular expression over their names. */
export interface CaughtByTest {
  /** Below the root. */
  readonly test: string
  /** @default all */
  readonly only?: string
}

/** One guard taken out, and where to look for what misses it. */
export interface Mutant {
  readonly name: string
  /** The rule of the protocol that the guard keeps, by section. */
  readonly rule: string
  readonly edits: readonly Edit[]
  /** The mode in which it shows. @default any */
  readonly mode?: Mode
  /** The shape of scenario in which it shows. @default any */
  readonly shape?: ShapeName
  /** What the explorer cannot see is caught by a test: scripts that run in Redis, and what no schedule depends on. */
  readonly caughtBy?: CaughtByTest
}

type Where = Pick<Mutant, 'mode' | 'shape'>

/** A mutant of one file, by one edit. */
export function mutant(
  name: string,
  rule: string,
  file: string,
  find: string,
  replace: string,
  where: Where = {},
): Mutant {
  return { name, rule, edits: [{ file, find, replace }], ...where }
}

/** Several guards that stand behind one another, taken out together: one alone is not missed. */
export function mutants(name: string, rule: string, edits: readonly Edit[], where: Where = {}): Mutant {
  return { name, rule, edits, ...where }
}

/** A mutant that a test catches. */
export function tested(
  name: string,
  rule: string,
  caughtBy: CaughtByTest,
  file: string,
  find: string,
  replace: string,
): Mutant {
  return { name, rule, edits: [{ file, find, replace }], caughtBy }
}

/** Several guards that stand behind one another, taken out together, which a test catches. */
export function testedMutants(
  name: string,
  rule: string,
  caughtBy: CaughtByTest,
  edits: readonly Edit[],
): Mutant {
  return { name, rule, edits, caughtBy }
}

/** A source with a mutant's edits. @throws Error naming the text that is not in its file exactly once */
export function edited({ name, edits }: Mutant, file: string, source: string): string {
  return edits
    .filter((edit) => edit.file === file)
    .reduce((text, { find, replace }) => {
      const parts = text.split(find)
      if (parts.length === 2) return parts.join(replace)
      throw new Error(`${name}: src/${file} has this ${parts.length - 1} times, not once: ${find}`)
    }, source)
}
