import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { withPreludeFolds } from './support/prelude-folds.ts'

const docs = new URL('../docs/', import.meta.url)
const pages = readdirSync(docs).filter((file) => file.endsWith('.md'))

test.each(pages)('docs/%s shows what its samples use (npm run docs:preludes)', (page) => {
  const text = readFileSync(new URL(page, docs), 'utf8')
  expect(text).toBe(withPreludeFolds(`docs/${page}`, text))
})

test('README.md has no sample that uses what it does not show', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  expect(withPreludeFolds('README.md', readme)).toBe(readme)
  expect(readme).not.toContain('prelude=')
})

describe('the folds', () => {
  const sample = '```ts prelude=redis\nredis\n```\n'

  test('come_beforeTheFirstChapter_withTheNamesAndTheText', () => {
    const page = withPreludeFolds('x.md', `# X\n\nhead\n\n## One\n\n${sample}`)
    expect(page).toContain(
      'head\n\n<details>\n<summary>The samples use: <code>redis</code></summary>\n\nDeclared',
    )
    expect(page).toContain(
      "export declare const redis: import('ioredis').Redis\n```\n\n</details>\n\n## One\n",
    )
    expect(withPreludeFolds('x.md', page)).toBe(page)
  })

  test('of_anotherPrelude_orAnOldText_areReplaced_andGoWithTheSamples', () => {
    const bare = `# X\n\n## One\n\n${sample}`
    const page = withPreludeFolds('x.md', bare)
    expect(withPreludeFolds('x.md', page.replace('export declare', 'declare'))).toBe(page)
    expect(withPreludeFolds('x.md', page.replace(sample, ''))).toBe('# X\n\n## One\n\n')
  })
})
