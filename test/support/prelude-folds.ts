import { readFileSync } from 'node:fs'
import { blocksOfMarkdown } from './code-blocks.ts'
import { CLIENTS_PRELUDE } from './compile-blocks.ts'

const FOLD = /<details>\n<summary>The samples use: [\s\S]*?\n<\/details>\n\n/g

/**
 * The document with a fold for each prelude that its samples stand behind, made anew, before its first chapter: what a
 * reader does not see declared in a sample is declared there.
 */
export function withPreludeFolds(file: string, document: string): string {
  const bare = document.replaceAll(FOLD, '')
  const names = new Set(blocksOfMarkdown(file, bare).blocks.flatMap(({ prelude }) => prelude ?? []))
  if (names.size === 0) return bare
  const folds = [...names].map((name) => `${fold(name)}\n\n`).join('')
  const chapter = bare.search(/^## /m)
  if (chapter < 0) throw new Error(`${file} has no chapter to put what its samples use before.`)
  return bare.slice(0, chapter) + folds + bare.slice(chapter)
}

function fold(prelude: string): string {
  const folder = prelude === CLIENTS_PRELUDE ? '../databases/preludes' : 'preludes'
  const text = readFileSync(new URL(`${folder}/${prelude}.ts`, import.meta.url), 'utf8').trimEnd()
  const uses = [...text.matchAll(/^(?:export )?(?:declare )?(?:const|function) (\w+)/gm)]
  return [
    '<details>',
    `<summary>The samples use: ${uses.map(([, name]) => `<code>${name}</code>`).join(', ')}</summary>`,
    '',
    'Declared, and made by your application:',
    '',
    '```ts ignore it stands before every sample that names it, and is compiled there',
    text,
    '```',
    '',
    '</details>',
  ].join('\n')
}
