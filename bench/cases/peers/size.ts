import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { BenchCase } from '../../case.ts'
import { type Spread, spread } from '../../harness.ts'
import type { ContenderKind } from '../../support/contender.ts'
import { allContenders } from '../../support/contenders.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const peers = fileURLToPath(new URL('../../peers/', import.meta.url))
const built = fileURLToPath(new URL('../../.build/', import.meta.url))

/** The part of esbuild that is used here; it is one of the packages of `bench/peers`. */
interface Esbuild {
  build(options: object): Promise<{
    readonly outputFiles: readonly { readonly contents: Uint8Array }[]
    readonly metafile?: {
      readonly outputs: Readonly<
        Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
      >
    }
  }>
}

const OPTIONS = {
  bundle: true,
  minify: true,
  write: false,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['lru-cache', 'ioredis', 'ioredis6', 'redis', '@redis/*', 'knex', 'kysely', '@aws-sdk/*'],
  logLevel: 'error',
} as const

/** What an application bundles and waits for: bytes, minified and compressed, and the time of the import. */
export const size: BenchCase = {
  name: 'size',
  title: 'Size of the bundle, time of the import',
  peers: true,
  async run({ quick }) {
    const esbuild = createRequire(`${peers}package.json`)('esbuild') as Esbuild
    const kinds = (await allContenders()).filter(({ modules }) => modules !== undefined)
    const times = importTimes(kinds, quick ? 3 : 5)
    const rows: { label: string; cells: (number | Spread | undefined)[] }[] = []
    for (const kind of kinds) {
      const { core = '', redis = '' } = kind.modules ?? {}
      rows.push({
        label: kind.name,
        cells: [
          await bundled(esbuild, core),
          await bundled(esbuild, `${core}; ${redis}`),
          times.get(`${kind.name} core`),
          times.get(`${kind.name} redis`),
        ],
      })
    }
    return {
      tables: [
        {
          caption: 'Bundle and import',
          columns: ['core, kB', 'for Redis, kB', 'core, ms', 'for Redis, ms'],
          rows,
          note: 'Bundled by esbuild, minified, gzip; without lru-cache and without Redis clients. The import, in a new process each time, loads all of it.',
        },
        {
          caption: "This library's core, by room",
          columns: ['kB, minified'],
          rows: await rooms(esbuild),
          note: 'What `createCache`, `defineKeys` and `defineDependencies` need, before compression.',
        },
      ],
      measures: { 'core, kB': Number(rows[0]?.cells[0]) },
    }
  },
}

/** How much of the core's code each room of `src` is. */
async function rooms(esbuild: Esbuild): Promise<{ label: string; cells: number[] }[]> {
  const { metafile } = await esbuild.build({
    ...OPTIONS,
    stdin: {
      contents: "export { createCache, defineDependencies, defineKeys } from './src/index.ts'",
      resolveDir: root,
    },
    absWorkingDir: root,
    outfile: 'core.js',
    metafile: true,
  })
  const sizes = new Map<string, number>()
  for (const { inputs } of Object.values(metafile?.outputs ?? {})) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const [, room = file, ...inside] = file.split('/')
      const label = inside.length === 0 ? 'opening' : room
      sizes.set(label, (sizes.get(label) ?? 0) + bytesInOutput / 1_000)
    }
  }
  return [...sizes]
    .filter(([, size]) => size > 0)
    .sort(([, one], [, other]) => other - one)
    .map(([label, size]) => ({ label, cells: [size] }))
}

async function bundled(esbuild: Esbuild, module: string): Promise<number> {
  const { outputFiles } = await esbuild.build({
    ...OPTIONS,
    stdin: { contents: resolved(module), resolveDir: peers },
  })
  return gzipSync((outputFiles[0] as { contents: Uint8Array }).contents, { level: 9 }).length / 1_000
}

/** This library is the one that has just been built. */
function resolved(module: string): string {
  return module
    .replaceAll("'coherent-cache'", JSON.stringify(`${built}index.js`))
    .replaceAll("'coherent-cache/redis'", JSON.stringify(`${built}redis.js`))
}

/** Milliseconds, in rounds that take turns. */
function importTimes(kinds: readonly ContenderKind[], rounds: number): Map<string, Spread> {
  const measured = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const { name, modules } of kinds) {
      for (const part of ['core', 'redis'] as const) {
        const module = part === 'core' ? modules?.core : `${modules?.core}; ${modules?.redis}`
        const specifiers = [...resolved(module ?? '').matchAll(/from (["'])(.+?)\1/g)].map(
          ([, , from]) => from,
        )
        const script = `const began = performance.now(); await Promise.all(${JSON.stringify(specifiers)}.map((one) => import(one))); process.stdout.write(String(performance.now() - began)); process.exit()`
        const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
          cwd: peers,
          encoding: 'utf8',
          env: {},
        })
        const label = `${name} ${part}`
        measured.set(label, [...(measured.get(label) ?? []), Number(stdout)])
      }
    }
  }
  return new Map([...measured].map(([label, values]) => [label, spread(values)]))
}
