import type { WarmingProgress } from './result.ts'

/** A terminal, or what looks like one. */
export interface Terminal {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

const WIDTH = 24
const number = new Intl.NumberFormat('en')

/** Draws one line on a terminal, over and over, and leaves it there at the end. */
export class ProgressBar {
  readonly #terminal: Terminal
  readonly #name: string
  readonly #total: number | undefined

  constructor(terminal: Terminal, name: string, total: number | undefined) {
    this.#terminal = terminal
    this.#name = name
    this.#total = total
  }

  draw(progress: WarmingProgress): void {
    this.#terminal.write(`\r\u001b[2K${this.#fit(line(this.#name, this.#total, progress))}`)
  }

  end(progress: WarmingProgress, status: string): void {
    const text = line(this.#name, this.#total, progress)
    this.#terminal.write(`\r\u001b[2K${this.#fit(status === 'done' ? text : `${text}  ${status}`)}\n`)
  }

  /** A line that the terminal would wrap could not be drawn over. */
  #fit(text: string): string {
    const columns = this.#terminal.columns ?? 80
    return text.length < columns ? text : `${text.slice(0, Math.max(0, columns - 2))}…`
  }
}

/** What the line says. */
export function line(name: string, total: number | undefined, progress: WarmingProgress): string {
  const { seen, warmed, fresh, unkept, failed, durationMs } = progress
  const ended = warmed + fresh + unkept + failed
  const parts = [`warming ${name}`]
  if (total !== undefined && total > 0) {
    const share = Math.min(1, ended / total)
    const full = Math.floor(share * WIDTH)
    parts.push(
      `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${String(Math.floor(share * 100)).padStart(3)} %`,
    )
    parts.push(`${number.format(ended)}/${number.format(total)}`)
  } else {
    parts.push(`${number.format(seen)} keys`)
  }
  if (fresh > 0) parts.push(`${number.format(fresh)} fresh`)
  if (unkept > 0) parts.push(`${number.format(unkept)} unkept`)
  if (failed > 0) parts.push(`${number.format(failed)} failed`)
  if (durationMs >= 1_000) parts.push(`${number.format(Math.round(ended / (durationMs / 1_000)))}/s`)
  parts.push(clockOf(durationMs))
  return parts.join('  ')
}

function clockOf(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1_000)
  const two = (value: number) => String(value).padStart(2, '0')
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return seconds < 3_600 ? rest : `${Math.floor(seconds / 3_600)}:${rest}`
}
