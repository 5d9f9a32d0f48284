import type { Scene } from './stage.ts'
import { line, whole } from './table.ts'

const LABEL = 32
const TRUTH = 8
const CELL = 13

/** Prints for people, or not at all. Coloured on a terminal, unless NO_COLOR is set. */
export class Story {
  readonly #out: NodeJS.WriteStream | undefined
  readonly #coloured: boolean

  constructor(out: NodeJS.WriteStream | undefined) {
    this.#out = out
    this.#coloured = out?.isTTY === true && !process.env.NO_COLOR
  }

  say(...lines: readonly string[]): void {
    for (const text of lines) this.#out?.write(`${text}\n`)
  }

  title(text: string): void {
    this.say('', this.#paint(text, 1))
  }

  /** The head of the scenes. */
  cast(names: readonly string[]): void {
    this.say(this.#paint(line('  committed on', LABEL, ['net'], TRUTH) + cellsOf(names), 2))
  }

  /** One change, what the report's net is from now on, and what each replica answered. */
  scene({ change, truth, seen }: Scene): void {
    const answers = seen.map(({ value, current }) =>
      this.#paint(`${whole(value.net)} ${current ? 'new' : 'OLD'}`.padStart(CELL), current ? 32 : 31),
    )
    this.say(line(describe(change), LABEL, [whole(truth.net)], TRUTH) + answers.join(''))
  }

  good(text: string): void {
    this.say(this.#paint(text, 32))
  }

  bad(text: string): void {
    for (const one of text.match(/.{1,80}(?:\s|$)/g) ?? []) this.say(this.#paint(one.trimEnd(), 31))
  }

  #paint(text: string, code: number): string {
    return this.#coloured ? `\u001b[${code}m${text}\u001b[0m` : text
  }
}

function cellsOf(texts: readonly string[]): string {
  return texts.map((text) => text.padStart(CELL)).join('')
}

function describe({ replica, kind, table, reports, loading }: Scene['change']): string {
  const one = table === 'revenues' ? 'a revenue' : 'an expense'
  const what = {
    create: `creates ${one}`,
    update: `changes ${one}`,
    delete: `deletes ${one}`,
    approve: `approves ${one}`,
    approveDays: `approves ${reports.length} days`,
  }[kind]
  return `  replica-${replica + 1} ${what}${loading === undefined ? '' : ' *'}`
}
