import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cell, Findings, Table } from './case.ts'
import type { Machine } from './machine.ts'

/** A case with what it found. */
export interface CaseReport extends Findings {
  readonly name: string
  readonly title: string
  readonly seconds: number
}

const WIDTH = 80

/** The tables of a case, for people: at most 80 columns. */
export function printed({ name, title, tables, seconds }: CaseReport): string {
  const lines = [`${name}: ${title} (${seconds.toFixed(0)} s)`]
  for (const table of tables) lines.push('', ...printedTable(table))
  return `${lines.join('\n')}\n`
}

/** With the extremes of each spread where the line has room for them, else with its width. */
function printedTable(table: Table): string[] {
  const full = aligned(table, formatCell)
  const lines = full.some((line) => line.length > WIDTH - 2) ? aligned(table, formatBriefly) : full
  return [...lines, ...(table.note === undefined ? [] : wrapped(table.note))].map((line) => `  ${line}`)
}

function aligned({ caption, columns, rows }: Table, formatted: (cell: Cell) => string): string[] {
  const texts = [
    [caption, ...columns],
    ...rows.map(({ label, cells }) => [label, ...columns.map((_, at) => formatted(cells[at]))]),
  ]
  const widths = [caption, ...columns].map((_, at) => Math.max(...texts.map((row) => row[at]?.length ?? 0)))
  const spare = WIDTH - 2 - widths.reduce((sum, width) => sum + width, 0)
  const gap = Math.max(1, Math.min(4, Math.floor(spare / columns.length)))
  return texts.map((row) =>
    row
      .map((text, at) => (at === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart((widths[at] ?? 0) + gap)))
      .join('')
      .trimEnd(),
  )
}

function wrapped(text: string): string[] {
  return (text.match(new RegExp(`.{1,${WIDTH - 2}}(?:\\s|$)`, 'g')) ?? []).map((line) => line.trimEnd())
}

/** A number with as many digits as it is worth; of several rounds the median, with the extremes. */
export function formatCell(cell: Cell): string {
  if (cell === undefined) return ''
  if (typeof cell === 'number') return format(cell)
  return `${format(cell.median)} (${format(cell.min)}–${format(cell.max)})`
}

function formatBriefly(cell: Cell): string {
  if (cell === undefined || typeof cell === 'number') return formatCell(cell)
  const { median, min, max } = cell
  const deviation = Math.max(max - median, median - min) / median
  return Number.isFinite(deviation) ? `${format(median)} ±${Math.round(deviation * 100)}%` : format(median)
}

function format(value: number): string {
  if (!Number.isFinite(value)) return '-'
  if (Number.isInteger(value) || value >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(value >= 10 ? 1 : 2)
}

/** One line on the machine. */
export function describe({ cores, busy, processor, system, node, redis, packages }: Machine): string {
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`)
  const parts = [`${cores} cores of ${processor} (load ${busy} when it began)`, system, `Node ${node}`]
  if (redis !== undefined) parts.push(`Redis ${redis}`)
  return `${[...parts, ...versions].join(', ')}.`
}

/** Writes `bench.json`, for charts and comparisons, and `bench.md`, for people, into the folder. */
export async function writeResults(
  folder: string,
  machine: Machine,
  reports: readonly CaseReport[],
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const json = JSON.stringify({ machine, cases: reports }, rounded, 2)
  await writeFile(join(folder, 'bench.json'), `${json}\n`)
  await writeFile(join(folder, 'bench.md'), markdown(machine, reports))
}

function markdown(machine: Machine, reports: readonly CaseReport[]): string {
  const lines = ['# Measured', '', `${describe(machine)} ${machine.date}.`]
  lines.push(
    '',
    'Median of interleaved rounds, with the least and the most. Trust the ratios, not the times.',
  )
  for (const { name, title, tables } of reports) {
    lines.push('', `## ${title}`, '', `\`npm run bench -- ${name}\``, ...markdownTables(tables))
  }
  return `${lines.join('\n')}\n`
}

/** The lines of these tables, each after an empty one. */
export function markdownTables(tables: readonly Table[]): string[] {
  return tables.flatMap(({ caption, columns, rows, note }) => [
    '',
    `| ${[caption, ...columns].join(' | ')} |`,
    `| --- |${' ---: |'.repeat(columns.length)}`,
    ...rows.map(
      ({ label, cells }) => `| ${[label, ...columns.map((_, at) => formatCell(cells[at]))].join(' | ')} |`,
    ),
    ...(note === undefined ? [] : ['', note]),
  ])
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
