import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineDependencies, defineKeys, type } from 'coherent-cache'
import { cacheDecorators } from 'coherent-cache/decorators'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { errorOf, openCache } from '../support/caches.ts'
import type { boxOffice } from './box-office.ts'

const SOURCE = fileURLToPath(new URL('./box-office.ts', import.meta.url))
const keys = defineKeys({ seats: { key: 'seats:{show}', value: type<number>() }, shows: 'shows:{day}' })
const dependencies = defineDependencies({
  tables: { bookings: ['seats:{show}', 'shows:*'], refunds: ['shows:*'] },
})

interface BoxOffice {
  free: number
  loads: number
  fails: Error | undefined
  readonly cache: { name: string }
  seats(show: number): Promise<number>
  shows(params: { readonly day: string }): Promise<string[]>
  counted(show: number): Promise<number>
  book(show: number, seats?: number): Promise<number>
  close(): Promise<void>
}

/** The class, compiled with this form of decorators. */
function compiled(experimentalDecorators: boolean): typeof boxOffice {
  const { outputText } = ts.transpileModule(readFileSync(SOURCE, 'utf8'), {
    compilerOptions: {
      experimentalDecorators,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.CommonJS,
    },
  })
  const exports: { boxOffice?: typeof boxOffice } = {}
  new Function('exports', outputText)(exports)
  return exports.boxOffice as typeof boxOffice
}

describe.each([
  ['TC39', false],
  ['experimentalDecorators', true],
])('%s', (_, experimental) => {
  test('it compiles', { timeout: 60_000 }, () => {
    const program = ts.createProgram([SOURCE], {
      ...ts.convertCompilerOptionsFromJson(
        ts.readConfigFile('tsconfig.json', ts.sys.readFile).config.compilerOptions,
        process.cwd(),
      ).options,
      experimentalDecorators: experimental,
    })
    const problems = ts.getPreEmitDiagnostics(program)
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
  })

  const make = compiled(experimental)
  const open = () => {
    const { cache } = openCache({ keys, dependencies })
    const Office = make(
      cacheDecorators((self: { readonly cache: typeof cache }) => self.cache),
      keys,
    )
    return { cache, office: new Office(cache as never) as unknown as BoxOffice }
  }

  test('cached: read through the cache, by the arguments, with the object as this', async () => {
    const { office } = open()
    expect([await office.seats(7), await office.seats(7), office.loads]).toEqual([100, 100, 1])
    await office.seats(8)
    expect(office.loads).toBe(2)
    expect(await office.shows({ day: 'monday' })).toEqual(['monday'])
  })

  test('cached: with options of a read', async () => {
    const { office } = open()
    await office.counted(7)
    await office.counted(7)
    expect(office.loads).toBe(2)
  })

  test('invalidates: what the rows say, when the method has resolved', async () => {
    const { office } = open()
    await Promise.all([office.seats(7), office.seats(8)])
    expect(await office.book(7)).toBe(99)
    expect(await office.seats(7)).toBe(99)
    expect(await office.seats(8)).toBe(100)
  })

  test('invalidates: in a unit of work, when it commits, and not when it is rolled back', async () => {
    const { cache, office } = open()
    await office.seats(7)
    const unit = cache.unitOfWork()
    await unit.run(() => office.book(7))
    expect(await office.seats(7)).toBe(100)
    await unit.prepare()
    await unit.commit()
    expect(await office.seats(7)).toBe(99)
    const other = cache.unitOfWork()
    await other.run(() => office.book(7))
    await other.rollback()
    expect(await office.seats(7)).toBe(99)
  })

  test('invalidates: a method that rejects may have written', async () => {
    const { office } = open()
    await Promise.all([office.seats(7), office.seats(8)])
    office.fails = new Error('after the COMMIT')
    await expect(office.book(7, 5)).rejects.toThrow('after the COMMIT')
    expect([await office.seats(7), await office.seats(8)]).toEqual([95, 95])
  })

  test('invalidates: several tables in one step', async () => {
    const { cache, office } = open()
    await Promise.all([office.seats(7), office.shows({ day: 'monday' })])
    await office.close()
    expect(await office.seats(7)).toBe(0)
    expect(cache.stats().invalidations).toBe(1)
  })

  test('what other decorators note on the method is still found on it', () => {
    const Office = make(cacheDecorators(openCache({ keys, dependencies }).cache), keys)
    const { seats, book } = Office.prototype
    expect([seats.name, seats.length, book.name]).toEqual(['seats', 1, 'book'])
    const original = Object.getPrototypeOf(seats) as { route?: string }
    original.route = '/seats'
    expect((seats as unknown as { route: string }).route).toBe('/seats')
  })
})

test('a source without a cache is told where the method is called', async () => {
  const Office = compiled(false)(
    cacheDecorators(() => undefined as never),
    keys,
  )
  await expect(new Office(undefined as never).seats(7)).rejects.toEqual(errorOf('INVALID_ARGUMENT'))
})

test('what cannot be decorated is refused where it is declared', () => {
  const { cached, invalidates } = cacheDecorators(openCache({ keys }).cache)
  expect(() => cached(undefined as never)).toThrow(errorOf('INVALID_ARGUMENT'))
  expect(() => invalidates([])).toThrow(errorOf('INVALID_ARGUMENT'))
  const decorate = invalidates('bookings') as unknown as (...args: unknown[]) => unknown
  expect(() => decorate(undefined, { kind: 'field', name: 'free' })).toThrow(errorOf('INVALID_ARGUMENT'))
  expect(() => decorate({}, 'free')).toThrow(errorOf('INVALID_ARGUMENT'))
})
