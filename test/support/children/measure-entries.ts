import { createCache, defineDependencies, defineKeys } from 'coherent-cache'

/** How much memory entries of each shape take, and how much the tier believes; printed as JSON. */
const shapes: Readonly<Record<string, (id: number) => unknown>> = {
  numbers: (id) => id + 0.5,
  texts: (id) => `a text of some length, number ${id}`,
  'long texts': (id) => JSON.parse(JSON.stringify('abcdefghij'.repeat(100) + id)),
  'texts of two bytes': (id) => JSON.parse(JSON.stringify('₹bcdefghij'.repeat(100) + id)),
  rows: (id) => JSON.parse(`{"id":${id},"name":"n${id}","paid":true,"amount":${id}.25}`),
  reports: (id) =>
    JSON.parse(
      JSON.stringify({
        day: '2026-11-20',
        rows: Array.from({ length: 20 }, (_, at) => ({
          id: at,
          amount: at * 1.25 + id,
          note: `row ${at} of ${id}`,
        })),
      }),
    ),
  'lists of numbers': (id) => JSON.parse(JSON.stringify(Array.from({ length: 100 }, (_, at) => at + id))),
  Maps: (id) => new Map(Array.from({ length: 50 }, (_, at) => [`${at}-${id}`, at])),
  'Sets of Dates': (id) => new Set(Array.from({ length: 20 }, (_, at) => new Date(at + id))),
  bytes: (id) => new Uint8Array(1_000).fill(id),
}

const collect = (globalThis as unknown as { gc: () => void }).gc
function used(): number {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const keys = defineKeys({ report: 'report:{orgId}:{day}' })
const dependencies = defineDependencies({
  tables: { revenues: ['report:{orgId}:{day}', 'report:{orgId}:*'] },
})
const ENTRIES = 4_000
const ratios: Record<string, number> = {}
const cache = createCache({
  name: 'measured',
  keys,
  dependencies,
  memory: { maxBytes: Number.MAX_SAFE_INTEGER, isolate: 'none' },
  ttl: '1d',
})
const fill = async (orgId: number, count: number, value: (id: number) => unknown) => {
  for (let day = 0; day < count; day++) await cache.get(keys.report({ orgId, day }), async () => value(day))
}
// What is remembered of keys is bounded, and not the tier's: filled to the brim first.
await fill(0, 12_000, () => 0)
for (const [at, [name, make]] of Object.entries(shapes).entries()) {
  const [memory, bytes] = [used(), cache.stats().bytes as number]
  await fill(at + 1, ENTRIES, make)
  ratios[name] = (used() - memory) / ((cache.stats().bytes as number) - bytes)
}
process.stdout.write(JSON.stringify(ratios))
