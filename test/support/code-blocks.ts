import ts from 'typescript'

/** A fenced block of TypeScript in a document or a docstring. */
export interface CodeBlock {
  file: string
  /** The line of its first line of code, from 1. */
  line: number
  code: string
  /** The code in `test/support/preludes` that stands before it, by name. */
  prelude?: string
}

/** The blocks of a file that are to compile, and what is wrong with the way the others are marked. */
export interface Extraction {
  blocks: CodeBlock[]
  problems: string[]
}

/**
 * The blocks of a Markdown document that start with ` ```ts `.
 *
 * ` ```ts prelude=redis ` puts `test/support/preludes/redis.ts` before the block. ` ```ts ignore REASON ` leaves it
 * out, and a reason has to be given.
 */
export function blocksOfMarkdown(file: string, text: string): Extraction {
  return extract(
    file,
    text.split('\n').map((content, index) => ({ content, line: index + 1 })),
  )
}

/**
 * The blocks in the docstrings of a source file, marked in the same way; `// prelude: NAME` as the first line of a
 * block means the same as `prelude=NAME`. An `@example` without a block is a problem: nobody would compile it.
 */
export function blocksOfSource(file: string, text: string): Extraction {
  const all: Extraction = { blocks: [], problems: [] }
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  for (const { pos, end, tags } of docstrings(source)) {
    const first = source.getLineAndCharacterOfPosition(pos).line + 1
    const lines = text
      .slice(pos, end)
      .split('\n')
      .map((line, index) => ({ content: line.replace(/^\s*(\/\*\*|\*\/|\* ?)/, ''), line: first + index }))
    const { blocks, problems } = extract(file, lines)
    all.blocks.push(...blocks)
    all.problems.push(...problems)
    for (const tag of tags ?? []) {
      const fenced = tag.tagName.text !== 'example' || /```ts\b/.test(tag.getText(source))
      const { line } = source.getLineAndCharacterOfPosition(tag.pos)
      if (!fenced) all.problems.push(`${file}:${line + 1}: the @example is not in a \`\`\`ts block`)
    }
  }
  return all
}

function docstrings(source: ts.SourceFile): ts.JSDoc[] {
  const found = new Set<ts.JSDoc>()
  const visit = (node: ts.Node): void => {
    for (const doc of ts.getJSDocCommentsAndTags(node)) if (ts.isJSDoc(doc)) found.add(doc)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return [...found]
}

function extract(file: string, lines: readonly { content: string; line: number }[]): Extraction {
  const blocks: CodeBlock[] = []
  const problems: string[] = []
  let open: { fence: string; block: CodeBlock | undefined } | undefined
  for (const { content, line } of lines) {
    if (open) {
      if (closes(content, open.fence)) open = undefined
      else if (open.block) open.block.code += `${content}\n`
      continue
    }
    const [, fence, language, info = ''] = /^\s*(`{3,}|~{3,})\s*(\w*)\s*(.*)$/.exec(content) ?? []
    if (fence === undefined) continue
    open = { fence, block: undefined }
    if (!/^(ts|typescript)$/.test(language ?? '')) continue
    const [, mark, value] = /^(ignore|prelude=)(.*)$/.exec(info.trim()) ?? []
    if (mark === 'ignore') {
      if (!value?.trim()) problems.push(`${file}:${line}: \`\`\`ts ignore needs a reason`)
      continue
    }
    if (info.trim() !== '' && mark === undefined)
      problems.push(`${file}:${line}: \`\`\`ts ${info.trim()} is not understood`)
    open.block = { file, line: line + 1, code: '' }
    if (value) open.block.prelude = value.trim()
    blocks.push(open.block)
  }
  if (open) problems.push(`${file}:${lines.at(-1)?.line}: a fenced block is not closed`)
  for (const block of blocks) {
    const named = /^\s*\/\/ prelude: (\S+)/.exec(block.code)?.[1]
    if (named) block.prelude = named
  }
  return { blocks, problems }
}

function closes(line: string, fence: string): boolean {
  const text = line.trim()
  return text.startsWith(fence) && text.replaceAll(text.charAt(0), '') === ''
}
