import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { edited } from './mutant.ts'
import { mutants } from './mutants.ts'
import { rules } from './rules.ts'

const known = new Set(mutants.map(({ name }) => name))

describe('rules', () => {
  test.each(rules)('$section $says', ({ mutants: names = [], because }) => {
    expect(names.length > 0 || because !== undefined, 'a mutant, or a reason why it has none').toBe(true)
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })
})

describe('known seeds', () => {
  const seeds = JSON.parse(readFileSync(new URL('./seeds.json', import.meta.url), 'utf8')) as object

  test('are of mutants that are hunted', () => {
    const hunted = new Set(mutants.flatMap(({ name, caughtBy }) => (caughtBy === undefined ? [name] : [])))
    expect(Object.keys(seeds).filter((name) => !hunted.has(name))).toEqual([])
  })
})

describe('mutants', () => {
  test('have names of their own', () => {
    expect(known.size).toBe(mutants.length)
  })

  test.each(mutants)('$name: stands for a rule, and changes what it says', (mutant) => {
    expect(rules.some(({ mutants: names = [] }) => names.includes(mutant.name))).toBe(true)
    for (const file of new Set(mutant.edits.map((edit) => edit.file))) {
      const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
      expect(edited(mutant, file, source)).not.toBe(source)
    }
  })
})
