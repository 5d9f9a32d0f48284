import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Machine } from './machine.ts'
import { peerCharts } from './peer-charts.ts'
import { type CaseReport, describe, markdownTables } from './report.ts'
import type { Effort } from './run-case.ts'
import { allContenders } from './support/contenders.ts'
import { installPeers } from './support/install-peers.ts'
import { peerVersions } from './support/peer-versions.ts'

const page = fileURLToPath(new URL('../docs/benchmarks.md', import.meta.url))
const images = fileURLToPath(new URL('../docs/images', import.meta.url))

/**
 * Puts what was measured between the marks of `docs/benchmarks.md`, and draws its charts. A case that was not run, or has
 * no place there, is left as it is. Each place says when and on what its figures were measured.
 */
export async function writeDocs(
  machine: Machine,
  reports: readonly CaseReport[],
  effort: Effort,
): Promise<void> {
  let text = await readFile(page, 'utf8')
  for (const { name, tables } of reports) {
    const { packages: _, ...without } = machine
    const command = `npm run bench -- ${name}${effort === 'usual' ? '' : ` --${effort}`}`
    const source = `\`${command}\`, ${machine.date}: ${describe({ ...without, packages: {} })}`
    text = between(text, name, [source, ...markdownTables(tables)].join('\n'))
  }
  text = between(text, 'contenders', await contenderTable())
  await writeFile(page, text)
  await mkdir(images, { recursive: true })
  for (const [name, chart] of Object.entries(peerCharts(reports))) {
    await writeFile(`${images}/bench-${name}.svg`, chart)
  }
}

/** Replaces what stands between `<!-- bench:NAME -->` and the next `<!-- /bench -->`. */
function between(text: string, name: string, content: string): string {
  const mark = `<!-- bench:${name} -->`
  const from = text.indexOf(mark)
  if (from < 0) return text
  const to = text.indexOf('<!-- /bench -->', from)
  if (to < 0) throw new Error(`docs/benchmarks.md has no end after ${mark}.`)
  return `${text.slice(0, from)}${mark}\n${content}\n\n${text.slice(to)}`
}

async function contenderTable(): Promise<string> {
  installPeers()
  const versions = peerVersions()
  const rows = (await allContenders()).map(({ name, packages, why }) => {
    const version = packages.map((one) => `${one} ${versions[one]}`).join(', ')
    return `| ${name} | ${version || '–'} | ${why} |`
  })
  return ['| | version | how it is set up |', '| --- | --- | --- |', ...rows].join('\n')
}
