import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const files = ['databases/postgres', 'sources/journal/postgresql', 'sources/journal/mysql'].flatMap(
  (folder) => {
    const at = new URL(`../../src/${folder}/`, import.meta.url)
    // Scripts take no parameters.
    return readdirSync(at)
      .filter((file) => file.endsWith('.sql') && !['up.sql', 'down.sql'].includes(file))
      .map((file) => `${folder}/${file}`)
  },
)

test.each(files)('%s says what it takes and gives', (file) => {
  const text = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
  const header = /^(?:--[^\n]*\n)+/.exec(text)?.[0] ?? ''
  const [, parameters = '', returns = ''] =
    /^-- Parameters:([\s\S]*?)^-- Returns:([\s\S]*)/m.exec(header.replaceAll('\n--  ', '')) ?? []
  const used = new Set(text.slice(header.length).match(/\$\d+/g))
  expect(new Set(parameters.match(/\$\d+/g))).toEqual(used)
  expect(parameters.trim()).not.toBe('')
  const body = text.slice(header.length)
  const names = [...body.matchAll(/ AS (\w+),?$/gm)].map(([, name]) => name)
  expect(returns.trim()).not.toBe('')
  if (/\b(?:SELECT|RETURNING)\b/.test(body)) for (const name of names) expect(returns).toContain(name)
})
