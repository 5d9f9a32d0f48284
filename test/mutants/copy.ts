import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Edit } from './mutant.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const COPIED = ['src', 'test/explorer', 'test/mutants', 'tsconfig.json', 'package.json']

/** A copy of the sources with something changed in it, in a directory of its own. The work tree stays as it is. */
export class Copy {
  readonly directory: string

  private constructor(directory: string) {
    this.directory = directory
  }

  /** @throws Error naming the text that is not in its file exactly once */
  static of(edits: readonly Edit[]): Copy {
    const directory = mkdtempSync(join(tmpdir(), 'mutant-'))
    for (const name of COPIED) cpSync(join(ROOT, name), join(directory, name), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'))
    const copy = new Copy(directory)
    for (const edit of edits) copy.#apply(edit)
    return copy
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }

  #apply({ file, find, replace }: Edit): void {
    const path = join(this.directory, 'src', file)
    const parts = readFileSync(path, 'utf8').split(find)
    if (parts.length !== 2) {
      this.remove()
      throw new Error(`src/${file} has this ${parts.length - 1} times, not once: ${find}`)
    }
    writeFileSync(path, parts.join(replace))
  }
}
