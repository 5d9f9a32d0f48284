/** Writes what the samples of a page use, and nobody sees declared, to the head of the page. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { withPreludeFolds } from '../test/support/prelude-folds.ts'

const docs = new URL('../docs/', import.meta.url)
for (const name of readdirSync(docs).filter((file) => file.endsWith('.md'))) {
  const file = new URL(name, docs)
  const text = readFileSync(file, 'utf8')
  const folded = withPreludeFolds(`docs/${name}`, text)
  if (folded !== text) writeFileSync(file, folded)
}
