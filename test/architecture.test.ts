import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { violations } from './support/import-rules.ts'

const src = fileURLToPath(new URL('../src', import.meta.url))

test('the sources keep the rules of docs/architecture.md', () => {
  const files = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(src.length + 1))
  expect(files.length).toBeGreaterThan(0)
  const tree = new Map(
    files.map((file) => [file.replaceAll(sep, '/'), readFileSync(join(src, file), 'utf8')]),
  )
  expect(violations(tree)).toEqual([])
})

describe('the checker', () => {
  const check = (tree: Record<string, string>) => violations(new Map(Object.entries(tree)))
  const core = { 'core/stamp.ts': 'export const stamp = 1\nexport type Stamp = string' }

  test('accepts_tree_that_keepsTheRules', () => {
    expect(
      check({
        ...core,
        'index.ts':
          "export { createCache } from './create-cache.ts'\nexport type { Stamp } from './core/stamp.ts'",
        'create-cache.ts': "import { read } from './read/read.ts'\nimport { write } from './write/write.ts'",
        'read/read.ts': "import { LRUCache } from 'lru-cache'\nimport { stamp } from '../core/stamp'",
        'write/write.ts': "import { createHash } from 'node:crypto'\nimport '../core/stamp.js'",
        'coherence/table.ts':
          'export class Table { readonly #stamps = new Map() }\nexport const make = () => new Set()',
        'stores/lua/get.lua':
          '-- Reads one.\n-- KEYS: 1 entry\n-- ARGV: none\n-- Returns: the value\nreturn 1',
        'stores/redis.ts': "import get from './lua/get.lua'",
        'text-modules.d.ts': "declare module '*.lua'",
      }),
    ).toEqual([])
  })

  test.each([
    ['write/a.ts', "import '../read/b.ts'", 'write/a.ts: imports read/b.ts from the room read'],
    [
      'read/a.ts',
      "import type { W } from '../write/b.ts'",
      'read/a.ts: imports write/b.ts from the room write',
    ],
    ['core/a.ts', "type T = import('../read/b.ts').T", 'core/a.ts: imports read/b.ts from the room read'],
    [
      'stores/a.ts',
      "export * from '../coherence/b.ts'",
      'stores/a.ts: imports coherence/b.ts from the room coherence',
    ],
    [
      'testing/a.ts',
      "import '../create-cache.ts'",
      'testing/a.ts: imports create-cache.ts, which only a composition root may',
    ],
    ['core/a.ts', "import '../../test/x.ts'", 'core/a.ts: imports ../../test/x.ts, which is not in src'],
    ['stores/a.ts', "import type { Redis } from 'ioredis'", 'stores/a.ts: imports the package ioredis'],
    ['stores/a.ts', "await import('@scope/pkg/deep')", 'stores/a.ts: imports the package @scope/pkg/deep'],
    [
      'read/a.ts',
      "import { createCache } from 'coherent-cache'",
      'read/a.ts: imports the package coherent-cache',
    ],
    ['core/a.ts', 'export let count = 0', 'core/a.ts: declares count with let at the top level'],
    ['core/a.ts', 'const all = { seen: new Map() }', 'core/a.ts: creates a Map when it is loaded'],
    ['core/a.ts', 'class A { static all = new WeakMap() }', 'core/a.ts: creates a WeakMap when it is loaded'],
    [
      'core/a.ts',
      'new hooks.AsyncLocalStorage()',
      'core/a.ts: creates a hooks.AsyncLocalStorage when it is loaded',
    ],
    ['core/index.ts', "export * from './stamp.ts'", 'core/index.ts: is a barrel inside a room'],
    ['core/stampTable.ts', '', 'core/stampTable.ts: is not named in kebab-case'],
    ['helpers/a.ts', '', 'helpers/a.ts: lies in an unknown room, helpers'],
    ['helpers.ts', '', 'helpers.ts: lies outside every room'],
    [
      'stores/lua/set.lua',
      '-- KEYS: 1\n-- returns: 1\n\n-- ARGV: 2',
      'stores/lua/set.lua: has no line "-- ARGV" in its header',
    ],
  ])('reports %s that says %j', (file, text, violation) => {
    const others = Object.fromEntries(
      ['create-cache.ts', 'read/b.ts', 'write/b.ts', 'coherence/b.ts'].map((name) => [name, '']),
    )
    expect(check({ ...core, ...others, [file]: text })).toEqual([violation])
  })

  test('reports_circle_ofTypeImports', () => {
    expect(
      check({
        'core/a.ts': "import type { B } from './b.ts'",
        'core/b.ts': "export type { C } from './c.ts'",
        'core/c.ts': "import type { A } from './a.ts'",
      }),
    ).toEqual(['core/c.ts: closes the circle core/a.ts -> core/b.ts -> core/c.ts -> core/a.ts'])
  })
})
