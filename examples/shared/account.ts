/**
 * Prints what an example does, for people, and holds it to what it tells: where something is not as told, it says so,
 * and the exit code is 1.
 */
export class Account {
  readonly #broken: string[] = []
  #judged = 0

  /** What the example is. */
  title(text: string): void {
    console.log(`\n${text}\n${'='.repeat(text.length)}`)
  }

  /** The beginning of a scene. */
  scene(text: string): void {
    console.log(`\n${text}`)
  }

  say(text: string): void {
    console.log(`  ${text}`)
  }

  /** Something that has to be so. */
  check(what: string, holds: boolean): void {
    console.log(`  ${holds ? 'yes' : 'NO '}  ${what}`)
    if (!holds) this.#broken.push(what)
  }

  /**
   * An answer beside what the database holds.
   *
   * @param where Whence it came, such as the tier that answered.
   */
  answer(who: string, seen: unknown, truth: unknown, where: string): void {
    const right = JSON.stringify(seen) === JSON.stringify(truth)
    this.judged(1)
    const line = [who.padEnd(38), short(print(seen)).padEnd(30), where].join('  ')
    console.log(`  ${line}${right ? '' : `  OLD: ${print(truth)}`}`)
    if (!right) this.#broken.push(`${who}: ${print(seen)}, where the database has ${print(truth)}`)
  }

  /** Counts answers that were judged elsewhere. */
  judged(answers: number): void {
    this.#judged += answers
  }

  /** The last line, and the exit code. */
  end(): void {
    if (this.#broken.length === 0) {
      console.log(`\n${this.#judged} answers were judged: none was older than promised.`)
      return
    }
    console.log(`\nNot as told:\n${this.#broken.map((one) => `  ${one}`).join('\n')}`)
    process.exitCode = 1
  }
}

function short(text: string): string {
  return text.length > 76 ? `${text.slice(0, 73)}...` : text
}

/** A value in a line: `{ paid: 500, due: 0 }` as `paid 500, due 0`. */
function print(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return JSON.stringify(value) ?? 'nothing'
  return Object.entries(value)
    .map(([name, part]) => `${name} ${print(part)}`)
    .join(', ')
}
