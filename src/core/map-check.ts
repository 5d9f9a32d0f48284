import { snakeCase } from './binding.ts'
import type { CompiledTable, Dependencies } from './dependencies.ts'
import { question, show } from './errors.ts'
import type { CompiledFamily } from './key.ts'
import { alike } from './options.ts'
import { canMeet, stepsOf } from './pattern-meeting.ts'

/**
 * What a map says in vain, as far as it can be told from the families: a pattern that matches none of their keys, a
 * scope that none of their keys binds, a stable column that binds nothing. A sentence each, none where all may be meant.
 * Without families nothing is said of patterns and scopes: then every key is one of no family.
 */
export function checkMap({ tables, scopes }: Dependencies, families: readonly CompiledFamily[]): string[] {
  const found: string[] = []
  const inVain = new Map<string, string[]>()
  const bound = new Set(families.flatMap(({ template }) => template.parameters))
  const keys = families.flatMap(({ template }) => template.texts.map(stepsOf))
  for (const [name, table] of tables) {
    for (const { text, captures } of table.patterns) {
      const steps = stepsOf(text)
      if (keys.some((one) => canMeet(steps, one))) for (const capture of captures) bound.add(capture)
      else inVain.set(text, [...(inVain.get(text) ?? []), name])
    }
    found.push(...unstable(name, table))
  }
  if (families.length === 0) return found
  const patterns = [...inVain].map(
    ([text, names]) =>
      `The map's pattern ${show(text)} (${names.join(', ')}) matches no key of any family of this cache, so a write makes nothing of them void by it.${question(nearestFamily(text, families))} Where it is meant for keys of no family, or of another application, nothing is wrong; a family declared for them ends this warning.`,
  )
  const unbound = scopes
    .filter((scope) => !bound.has(scope))
    .map(
      (scope) =>
        `The map's scope ${show(scope)} is no parameter of any family of this cache, nor a capture of a pattern that matches one of their keys: invalidating it makes nothing void.${question(nearest(scope, bound))}`,
    )
  return [...patterns, ...unbound, ...found]
}

/** What of a table's stable columns is looked at nowhere. */
function unstable(name: string, { patterns, bind, stable }: CompiledTable): string[] {
  const captures = patterns.flatMap((pattern) => pattern.captures)
  const columns =
    typeof bind === 'object' ? Object.values<string>(bind as Readonly<Record<string, string>>) : []
  const known = new Set([...captures, ...captures.map(snakeCase), ...columns])
  return [...stable]
    .filter((column) => !known.has(column))
    .map(
      (column) =>
        `The map's ${name}: stable: ${show(column)} binds no capture of its patterns, so it changes nothing.${question(nearest(column, known))} Name a column or a capture that binds, or leave it out.`,
    )
}

function nearest(name: string, known: Iterable<string>): string | undefined {
  return [...known].find((candidate) => alike(candidate, name))
}

/** The pattern of the family whose literal text has all of a pattern's, spelt alike, and most of it the same. */
function nearestFamily(text: string, families: readonly CompiledFamily[]): string | undefined {
  const asked = wordsOf(text)
  let most = -1
  let near: string | undefined
  for (const { template } of families) {
    const words = wordsOf(template.pattern)
    const same = asked.filter((word) => words.includes(word)).length
    if (asked.length === 0 || same <= most) continue
    if (!asked.every((word) => words.some((one) => one === word || (word.length > 2 && alike(one, word)))))
      continue
    most = same
    near = template.pattern
  }
  return near
}

function wordsOf(text: string): readonly string[] {
  return text.split(/\{[^{}]*\}|[*:]/).filter((word) => word !== '')
}
