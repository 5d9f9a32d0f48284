import { describe, expect, test } from 'vitest'
import { blocksOfMarkdown, blocksOfSource } from './support/code-blocks.ts'
import { CLIENTS_PRELUDE, compileBlocks } from './support/compile-blocks.ts'
import { documentedBlocks } from './support/documents.ts'

test('every example in the documents and docstrings compiles', { timeout: 60_000 }, () => {
  const { blocks, problems } = documentedBlocks()
  const here = blocks.filter(({ prelude }) => prelude !== CLIENTS_PRELUDE)
  expect([...problems, ...compileBlocks(here)]).toEqual([])
})

describe('the checker', { timeout: 60_000 }, () => {
  const fence = '```'

  test('reports_wrongBlock_withFileAndLine', () => {
    const text = `# Title\n\n${fence}ts\nconst a = 1\n\nconst b: string = a\n${fence}\n`
    expect(compileBlocks(blocksOfMarkdown('docs/x.md', text).blocks)).toEqual([
      "docs/x.md:6: Type 'number' is not assignable to type 'string'.",
    ])
  })

  test('reports_syntaxError_missingModule_andStrictness', () => {
    const blocks = ['const = 1', "import 'no-such-package'", 'const [a] = [] as number[]; a.toFixed()'].map(
      (code, index) => ({
        file: `${index}.md`,
        line: 10,
        code,
      }),
    )
    const errors = compileBlocks(blocks).map((error) => error.slice(0, 8))
    expect(errors.filter((error) => error.startsWith('0.md:10:'))).not.toEqual([])
    expect(errors.slice(-2)).toEqual(['1.md:10:', '2.md:10:'])
  })

  test('accepts_blocks_thatDeclareTheSameName_orLeaveItUnused', () => {
    const text = `${fence}ts\nconst a = 1\n${fence}\n${fence}ts\nconst a = await Promise.resolve('2')\n${fence}\n`
    const { blocks } = blocksOfMarkdown('docs/x.md', text)
    expect(blocks).toHaveLength(2)
    expect(compileBlocks(blocks)).toEqual([])
  })

  test('finds_blocks_inLists_andSkipsOtherLanguages', () => {
    const text = `- item\n  ${fence}ts\n  x\n  ${fence}\n${fence}sh\n${fence}ts\n${fence}\n~~~~ts\ny\n~~~\n~~~~\n`
    expect(blocksOfMarkdown('x.md', text).blocks.map(({ line, code }) => [line, code])).toEqual([
      [3, '  x\n'],
      [9, 'y\n~~~\n'],
    ])
  })

  test('leaves_ignoredBlock_out_onlyWithReason', () => {
    expect(blocksOfMarkdown('x.md', `${fence}ts ignore shows an error\n!\n${fence}`)).toEqual({
      blocks: [],
      problems: [],
    })
    expect(blocksOfMarkdown('x.md', `${fence}ts ignore\n!\n${fence}`).problems).toEqual([
      'x.md:1: ```ts ignore needs a reason',
    ])
    expect(blocksOfMarkdown('x.md', `${fence}ts twoslash\n${fence}`).problems).toHaveLength(1)
  })

  test('reads_preludeName_fromInfoAndFirstLine', () => {
    const text = `${fence}ts prelude=one\n${fence}\n${fence}ts\n// prelude: two\n${fence}\n`
    const { blocks } = blocksOfMarkdown('x.md', text)
    expect(blocks.map(({ prelude }) => prelude)).toEqual(['one', 'two'])
    expect(compileBlocks([{ file: 'x.md', line: 2, code: '', prelude: 'no-such' }])).toEqual([
      'x.md:2: there is no test/support/preludes/no-such.ts',
    ])
  })

  test('finds_examples_inDocstrings_withTheirLines', () => {
    const text = `
/** Module. */
import 'a'
const glob = '/** ${fence}ts'
export interface Options {
  /**
   * A member.
   *
   * @example
   * ${fence}ts
   * const wrong: string = 1
   * ${fence}
   */
  member: string
}
/** @example one() */
export function one() {}
`
    const { blocks, problems } = blocksOfSource('src/x.ts', text)
    expect(compileBlocks(blocks)).toEqual(["src/x.ts:11: Type 'number' is not assignable to type 'string'."])
    expect(problems).toEqual(['src/x.ts:16: the @example is not in a ```ts block'])
  })
})
