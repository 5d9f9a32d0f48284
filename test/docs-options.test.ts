import { readFileSync } from 'node:fs'
import { createCache, defineKeys } from 'coherent-cache'
import { redisStore } from 'coherent-cache/redis'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

/** The rows of the table under a heading of docs/options.md, by option. */
function tableUnder(heading: string): Map<string, { readonly default: string }> {
  const [, rest = ''] = read('docs/options.md').split(`\n## ${heading}\n`)
  const [section = ''] = rest.split('\n## ')
  const rows = [...section.matchAll(/^\| `([\w.]+)` \|(.*)\|$/gm)].map(
    ([, option = '', cells = '']) => [option, { default: cells.split(' | ')[1]?.trim() ?? '' }] as const,
  )
  expect(new Set(rows.map(([option]) => option)).size).toBe(rows.length)
  return new Map(rows)
}

/** What the library says the options are, when it is given one that is like none of them. */
async function optionsOf(offer: (options: Record<string, unknown>) => unknown): Promise<string[]> {
  const refusal = await new Promise<string>((resolve, reject) => {
    const answered = async () => offer({ '~': 1 })
    answered().then(
      () => reject(new Error('It took an option that there is not.')),
      (error: Error) => resolve(error.message),
    )
  })
  const [, names] = /The options are (.*)\.$/.exec(refusal) ?? []
  if (names === undefined) throw new Error(`It does not say what the options are: ${refusal}`)
  return names.split(', ')
}

const cacheOptions = (path: string) => (options: Record<string, unknown>) =>
  createCache({ name: 'options', ...(path === '' ? options : { [path]: options }) } as { name: string })
const nested = async (path: string) => (await optionsOf(cacheOptions(path))).map((name) => `${path}.${name}`)

/** The policy's options that hold others are listed by what they hold, and by themselves unless they always do. */
async function policy(): Promise<string[]> {
  return [
    ...POLICY.filter((name) => name !== 'timeout'),
    ...(await nested('timeout')),
    ...(await nested('breaker')),
    ...(await nested('refreshAhead')),
  ]
}
const POLICY = await (async () => {
  await using cache = createCache({ name: 'options' })
  return await optionsOf((options) => cache.setPolicy(options))
})()

describe('docs/options.md lists what there is, and nothing else', () => {
  const listed = (heading: string) => [...tableUnder(heading).keys()].sort()

  test('createCache', async () => {
    const all = await optionsOf(cacheOptions(''))
    expect(listed('createCache')).toEqual(all.filter((name) => !POLICY.includes(name)).sort())
  })

  test('memory', async () => {
    expect(listed('memory')).toEqual((await nested('memory')).sort())
  })

  test('how values live', async () => {
    expect(listed('How values live')).toEqual((await policy()).sort())
  })

  test('key families', async () => {
    const all = await optionsOf((options) => defineKeys({ family: { key: 'a:{id}', ...options } }))
    expect(listed('Key families')).toEqual(all.filter((name) => !POLICY.includes(name)).sort())
    expect(all).toEqual(expect.arrayContaining(POLICY))
  })

  test('reads', async () => {
    await using cache = createCache({ name: 'options' })
    const all = await optionsOf((options) => cache.get('a', () => 1, options))
    const timeouts = await optionsOf((timeout) => cache.get('a', () => 1, { timeout }))
    const names = [...all.filter((name) => name !== 'timeout'), ...timeouts.map((name) => `timeout.${name}`)]
    expect(listed('Reads')).toEqual(names.sort())
  })

  test('redisStore', async () => {
    const all = await optionsOf((options) => redisStore(options as never))
    expect(listed('redisStore')).toEqual(all.sort())
  })
})

/** What the docstrings of an interface's members give as `@default`. */
function defaultsOf(file: string, name: string): Map<string, string> {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)
  const found = source.statements.find(
    (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === name,
  ) as ts.InterfaceDeclaration
  return new Map(
    found.members.flatMap((member) => {
      const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default')
      const text = ts.getTextOfJSDocComment(tag?.comment)
      return text === undefined ? [] : [[member.name?.getText(source) ?? '', text.trim()] as const]
    }),
  )
}

test.each([
  ['createCache', '', 'src/core/cache-options.ts', 'CacheOptions', 9],
  ['memory', 'memory.', 'src/core/cache-options.ts', 'MemoryOptions', 2],
  ['How values live', '', 'src/core/policy.ts', 'PolicyOptions', 5],
  ['How values live', 'breaker.', 'src/core/policy.ts', 'BreakerOptions', 3],
  ['How values live', 'refreshAhead.', 'src/core/policy.ts', 'RefreshAheadOptions', 1],
  ['Key families', '', 'src/core/key.ts', 'FamilyDefinition', 2],
  ['Reads', '', 'src/core/loader.ts', 'ReadOptions', 1],
])(
  'defaults that are values, under %s%s, are those of the docstrings',
  (heading, prefix, file, type, least) => {
    const documented = defaultsOf(file, type)
    const values = [...tableUnder(heading)].flatMap(([option, row]) => {
      const value = /^`([^`]+)`/.exec(row.default)?.[1]
      const member = option.startsWith(prefix) ? option.slice(prefix.length) : ''
      return value === undefined || !documented.has(member) ? [] : [[member, value] as const]
    })
    expect(values.length).toBeGreaterThanOrEqual(least)
    for (const [member, value] of values)
      expect(`${member}: ${documented.get(member)?.replaceAll('`', '')}`).toMatch(`${member}: ${value}`)
  },
)
