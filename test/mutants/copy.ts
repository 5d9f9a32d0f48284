import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { edited, type Mutant } from './mutant.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COPIED = ['src', 'test', 'scripts', 'tsconfig.json', 'package.json', 'vitest.config.ts']

/** A copy of the sources with a mutant in it, in a directory of its own. The work tree stays as it is. */
export class Copy {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  static of(mutant: Mutant): Copy {
    const directory = mkdtempSync(join(tmpdir(), 'mutant-'))
    // Suites with an installation of their own have far more in it than the sources.
    const filter = (path: string) => basename(path) !== 'node_modules'
    for (const name of COPIED) cpSync(join(ROOT, name), join(directory, name), { recursive: true, filter })
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
    for (const file of new Set(mutant.edits.map((edit) => edit.file))) {
      const path = join(directory, 'src', file)
      writeFileSync(path, edited(mutant, file, readFileSync(path, 'utf8')))
    }
    return new Copy(directory)
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}
