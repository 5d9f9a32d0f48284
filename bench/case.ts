import type { Spread } from './harness.ts'

/** A number, or several rounds of it; undefined where there is nothing to measure. */
export type Cell = number | Spread | undefined

/** Figures that belong together, as they are printed and drawn. */
export interface Table {
  readonly caption: string
  /** Heads of the cells; a unit stands in the head. */
  readonly columns: readonly string[]
  readonly rows: readonly { readonly label: string; readonly cells: readonly Cell[] }[]
  /** What must be known to read it. */
  readonly note?: string
}

/** What one case found. */
export interface Findings {
  readonly tables: readonly Table[]
  /** The numbers that guards look at, by name. */
  readonly measures: Readonly<Record<string, number>>
}

/** What must hold on any machine: a ratio or a count, never a time. */
export interface Guard {
  /** One of the case's measures. */
  readonly measure: string
  /** What the number is, for the line that reports it. */
  readonly is: string
  readonly atLeast?: number
  readonly atMost?: number
}

/** How a case is run. */
export interface BenchContext {
  /** Fewer rounds and smaller sizes: enough for the guards. */
  readonly quick: boolean
  /** Larger sizes, which take minutes: `--full`. */
  readonly full: boolean
  /** A private Redis, started at the first call and ended with the case. */
  redis(): Promise<{ readonly port: number }>
}

/** One thing that is measured. It runs in a process of its own, so that no case feels what another left behind. */
export interface BenchCase {
  /** As given to `npm run bench -- NAME`. */
  readonly name: string
  readonly title: string
  /** It needs the libraries of `bench/peers`, which are installed first. @default false */
  readonly peers?: boolean
  /** It needs the database clients of `test/databases`, which are installed first. @default false */
  readonly databases?: boolean
  readonly guards?: readonly Guard[]
  run(context: BenchContext): Promise<Findings>
}
