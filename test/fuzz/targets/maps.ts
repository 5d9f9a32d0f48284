import fc from 'fast-check'
import type { TableChange } from '../../../src/core/change.ts'
import { ForeignMap, type Skeleton } from '../../../src/core/skeleton.ts'
import { anyText } from '../damage.ts'
import { checked, type FuzzTarget, must } from '../target.ts'

const pattern = fc.constantFrom('report:{orgId}:{date}', 'report:{orgId}:*', '*', 'a:{id}', 'b')
const skeleton = fc
  .record({
    format: fc.constant(1 as const),
    tables: fc.dictionary(
      fc.constantFrom('t', 'u', '__proto__', 'public.t'),
      fc.record({
        bound: fc.array(pattern, { maxLength: 3 }),
        whole: fc.array(pattern, { maxLength: 2 }),
        stable: fc.array(fc.constantFrom('orgId', 'id'), { maxLength: 2 }),
      }),
      { maxKeys: 3 },
    ),
    patterns: fc.array(pattern, { maxLength: 4 }),
    scopes: fc.array(fc.constantFrom('orgId', 'currency'), { maxLength: 2 }),
  })
  .map((one) => JSON.stringify(one))

const DICTIONARY = [
  '"tables":',
  '"bound":',
  '"whole":',
  '"stable":',
  '"patterns":',
  '"scopes":',
  '"format":1',
  'null',
].concat([
  '[]',
  '{}',
  '"',
  ',',
  ':',
  '{',
  '}',
  '[',
  ']',
  '1',
  '"a:{id}"',
  '"*"',
  '"t":',
  '__proto__',
  '"orgId"',
  'true',
])

const WRITES: readonly TableChange[] = ['t', 'u', '__proto__', 'public.t'].flatMap((table) => [
  { table },
  { table, operation: 'insert', rows: [{ org_id: 7, id: '1', date: '2026-11-20' }] },
])

/** The maps of other processes, as they registered them. */
export const skeletons: FuzzTarget = {
  name: 'skeletons',
  parses: 'registered maps of other processes',
  wrong: 'one that is half read: a writer would void less than the readers of that map need',
  property: checked(anyText(skeleton, DICTIONARY), async (given) => {
    const map = ForeignMap.read(given)
    if (map === undefined) return
    const read = JSON.parse(given) as Skeleton
    for (const list of [read.patterns, read.scopes]) mustBeTexts(list)
    must(!Array.isArray(read.tables), 'tables that are a list')
    for (const { bound, whole, stable } of Object.values(read.tables))
      for (const list of [bound, whole, stable]) mustBeTexts(list)
    await map.stamps(WRITES)
    for (const name of ['|', 'a:{id}', 'a:{id}|7', '|orgId=7', '|=', '|x', '']) map.has(name)
  }),
  hard: {
    'many patterns': (length) => {
      const bound = Array.from({ length: length / 16 }, (_, at) => `a${at}:{id}:*`)
      const table = { bound, whole: [], stable: [] }
      const given = JSON.stringify({ format: 1, tables: { t: table }, patterns: bound, scopes: [] })
      return () => ForeignMap.read(given)
    },
    'a long pattern': (length) => {
      const bound = ['a*'.repeat(length / 2)]
      const table = { bound, whole: [], stable: [] }
      const given = JSON.stringify({ format: 1, tables: { t: table }, patterns: bound, scopes: [] })
      return () => ForeignMap.read(given)
    },
    brackets: (length) => () => ForeignMap.read(`{"format":1,"tables":${'['.repeat(length)}`),
  },
}

function mustBeTexts(list: unknown): void {
  must(Array.isArray(list) && list.every((one) => typeof one === 'string'), 'a list that is none of texts')
}
