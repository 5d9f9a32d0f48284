import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { anchorsOf, relativeLinks } from './support/links.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const below = (folder: string, ending: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`)
const pages = below('docs', '.md')
/** The documents that the package holds. */
const shipped = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...pages]
const examples = [
  'examples/README.md',
  ...readdirSync(join(root, 'examples')).map((n) => `examples/${n}/README.md`),
]
const documents = [...shipped, ...examples.filter((file) => existsSync(join(root, file)))]

/** Where a link of a document leads, from the root; the document itself where it names no file. */
const targetOf = (document: string, path: string) =>
  path === '' ? document : normalize(join(dirname(document), decodeURI(path)))

test.each(documents)('%s links to what exists', (document) => {
  const dead = relativeLinks(read(document)).flatMap(({ line, path, anchor }) => {
    const target = targetOf(document, path)
    const place = `${document}:${line}: ${path}${anchor === '' ? '' : `#${anchor}`}`
    if (!existsSync(join(root, target))) return [`${place}: there is no ${target}`]
    if (anchor === '') return []
    if (statSync(join(root, target)).isDirectory() || !target.endsWith('.md'))
      return [`${place}: has no chapters`]
    return anchorsOf(read(target)).has(anchor) ? [] : [`${place}: ${target} has no such chapter`]
  })
  expect(dead).toEqual([])
})

describe('the package', () => {
  const files: string[] = JSON.parse(read('package.json')).files
  /** Whether it holds a file: one of `files`, a folder, or `FOLDER/*.ENDING`. */
  const holds = (file: string) =>
    ['package.json', ...files].some((pattern) => {
      const [folder, ending] = pattern.split('/*')
      if (ending === undefined) return file === pattern || file.startsWith(`${pattern}/`)
      return dirname(file) === folder && file.endsWith(ending)
    })

  test.each(shipped)('%s is in it, and links to nothing that is not', (document) => {
    expect(holds(document)).toBe(true)
    const outside = relativeLinks(read(document))
      .map(({ line, path }) => ({ line, target: targetOf(document, path) }))
      .filter(({ target }) => !holds(target))
    expect(outside).toEqual([])
  })

  test('holds no chart that no page shows', () => {
    const shown = new Set(
      pages.flatMap((page) => relativeLinks(read(page)).map(({ path }) => targetOf(page, path))),
    )
    expect(below('docs/images', '').filter((chart) => !shown.has(chart))).toEqual([])
  })
})

describe('README.md', () => {
  const readme = read('README.md')

  test('leads to every page', () => {
    const linked = new Set(relativeLinks(readme).map(({ path }) => path))
    expect(pages.filter((page) => !linked.has(page))).toEqual([])
  })

  test('names tests and examples that there are', () => {
    const [, promises = ''] = readme.split('## What is promised')
    const [table = ''] = promises.split('\n## ')
    const tests = table
      .split('\n')
      .filter((line) => line.startsWith('| ') && line.split('|').length === 5)
      .flatMap((line) => [...(line.split('|')[3] ?? '').matchAll(/`([\w/-]+)`/g)].map(([, name]) => name))
    expect(tests.length).toBeGreaterThan(20)
    expect(tests.filter((name) => !existsSync(join(root, `test/${name}.test.ts`)))).toEqual([])
    const [, after = ''] = readme.split('\n## Five systems\n')
    const folders = [...after.matchAll(/`(examples\/[\w-]+)`/g)].map(([, folder = '']) => folder)
    expect(folders.length).toBeGreaterThan(5)
    expect(folders.filter((folder) => !existsSync(join(root, folder)))).toEqual([])
  })
})

describe('the checker', () => {
  test('finds_linksAndImages_butNoneInCode_norToOtherSites', () => {
    const text =
      '[a](x.md#one-two) ![b](i.svg)\n`[c](no.md)`\n```md\n[d](no.md)\n```\n[e](https://a.example/x.md) [f](#here)'
    expect(relativeLinks(text)).toEqual([
      { line: 1, path: 'x.md', anchor: 'one-two' },
      { line: 1, path: 'i.svg', anchor: '' },
      { line: 6, path: '', anchor: 'here' },
    ])
  })

  test('names_chapters_asGitHubDoes', () => {
    const text = "# pg and PGlite\n## What's `ttl`, really?\n## Twice\n## Twice\n```sh\n# no chapter\n```\n"
    expect([...anchorsOf(text)]).toEqual(['pg-and-pglite', 'whats-ttl-really', 'twice', 'twice-1'])
  })
})
