import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const folder = new URL('../../src/databases/postgres/', import.meta.url)
const files = readdirSync(folder).filter((file) => file.endsWith('.sql'))

test.each(files)('%s says what it takes and gives', (file) => {
  const text = readFileSync(new URL(file, folder), 'utf8')
  const header = /^(?:--[^\n]*\n)+/.exec(text)?.[0] ?? ''
  const [, parameters = '', returns = ''] =
    /^-- Parameters:([\s\S]*?)^-- Returns:([\s\S]*)/m.exec(header.replaceAll('\n--  ', '')) ?? []
  const used = new Set(text.slice(header.length).match(/\$\d+/g))
  expect(new Set(parameters.match(/\$\d+/g))).toEqual(used)
  expect(parameters.trim()).not.toBe('')
  const names = [...text.slice(header.length).matchAll(/ AS (\w+),?$/gm)].map(([, name]) => name)
  for (const name of names) expect(returns).toContain(name)
})
