import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { blocksOfMarkdown, blocksOfSource, type Extraction } from './code-blocks.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

function filesBelow(folder: string, ending: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith(ending) && !file.startsWith('docs/api/'))
}

/** Every block of TypeScript in the documents and in the docstrings of the sources. */
export function documentedBlocks(): Extraction {
  const read = (file: string) => readFileSync(join(root, file), 'utf8')
  const documents = ['README.md', 'CONTRIBUTING.md', ...filesBelow('docs', '.md')]
    .filter((file) => existsSync(join(root, file)))
    .map((file) => blocksOfMarkdown(file, read(file)))
  const docstrings = filesBelow('src', '.ts').map((file) => blocksOfSource(file, read(file)))
  const all = [...documents, ...docstrings]
  return { blocks: all.flatMap(({ blocks }) => blocks), problems: all.flatMap(({ problems }) => problems) }
}
