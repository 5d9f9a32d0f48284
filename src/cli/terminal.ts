/** Where a command runs, and writes to. */
export interface Terminal {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether what is written is seen in colours. */
  readonly color: boolean
  /** What was asked for. */
  out(text: string): void
  /** What went wrong. */
  err(text: string): void
}

/** The exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** It ran, and found something. */
  found: 1,
  /** It could not run. */
  failed: 2,
} as const

/** A command of the program. */
export interface Command {
  /** In one line. */
  readonly summary: string
  readonly help: string
  /** @returns the exit code */
  run(args: readonly string[], terminal: Terminal): Promise<number>
}
