import { type DatabaseCase, databaseCases, type UnsupportedCases } from 'coherent-cache/testing'
import { unsupportedCases } from './unsupported-cases.ts'

const BEGIN = '<!-- support table: npm run docs:databases -->'
const END = '<!-- end of the support table -->'

/** The document with the table of what each adapter keeps, made anew, between its two marks. */
export function withSupportTable(document: string): string {
  const [before, rest] = document.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`The document lacks ${BEGIN} or ${END}`)
  return `${before}${BEGIN}\n${supportTable(unsupportedCases)}\n${END}${after}`
}

/** One row for each case, one column for each adapter, and under it what happens where a case is not kept. */
export function supportTable(adapters: Readonly<Record<string, UnsupportedCases>>): string {
  const reasons: string[] = []
  const mark = (adapter: UnsupportedCases, name: DatabaseCase): string => {
    const reason = adapter[name]?.reason
    if (reason === undefined) return 'yes'
    if (!reasons.includes(reason)) reasons.push(reason)
    return `no [${reasons.indexOf(reason) + 1}]`
  }
  const names = Object.keys(adapters)
  const rows = databaseCases.map(
    (name) =>
      `| ${name} | ${Object.values(adapters)
        .map((adapter) => mark(adapter, name))
        .join(' | ')} |`,
  )
  return [
    `| case | ${names.join(' | ')} |`,
    `| --- |${' --- |'.repeat(names.length)}`,
    ...rows,
    '',
    ...reasons.map((reason, at) => `${at + 1}. ${reason}`),
  ].join('\n')
}
