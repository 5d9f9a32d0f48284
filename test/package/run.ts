/**
 * Checks the package as its users get it: builds it, packs it, installs the tarball in a project of its own beside
 * `lru-cache` and nothing else, and tries it there on every supported version of Node.js.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { entries } from '../../scripts/entries.ts'
import { findNode } from './node-versions.ts'

const exec = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const tool = (name: string) => join(root, 'node_modules', '.bin', name)
const specifiers = entries.map((entry) => entry.specifier)

let passed = 0
let failed = 0

async function check(name: string, body: () => Promise<unknown>): Promise<void> {
  try {
    await body()
    passed++
    console.log(`ok    ${name}`)
  } catch (error) {
    failed++
    console.log(`FAIL  ${name}\n${describe(error).replace(/^/gm, '      ')}`)
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { stdout } = error as { stdout?: string }
  return [error.message, stdout].filter(Boolean).join('\n').trim()
}

async function pack(into: string): Promise<string> {
  await exec('npm', ['run', 'build'], { cwd: root })
  const options = ['--json', '--ignore-scripts', '--pack-destination', into]
  const { stdout } = await exec('npm', ['pack', ...options], { cwd: root })
  return join(into, JSON.parse(stdout)[0].filename)
}

async function install(tarball: string, project: string): Promise<void> {
  const target = join(project, 'node_modules', 'coherent-cache')
  await mkdir(target, { recursive: true })
  await exec('tar', ['-xzf', tarball, '--strip-components=1', '-C', target])
  await cp(join(root, 'node_modules', 'lru-cache'), join(project, 'node_modules', 'lru-cache'), {
    recursive: true,
  })
  await cp(fileURLToPath(new URL('consumer', import.meta.url)), project, { recursive: true })
  await writeFile(join(project, 'package.json'), '{ "type": "module" }\n')
}

/** The tarball holds what `package.json` exports and none of the sources, tests or tools. */
async function checkContents(tarball: string): Promise<void> {
  const { stdout } = await exec('tar', ['-tzf', tarball])
  const files = stdout
    .trim()
    .split('\n')
    .map((file) => file.replace('package/', ''))
  const documents = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md']
  documents.push(...(await readdir(join(root, 'docs'))).filter(isPage).map((page) => `docs/${page}`))
  const charts = (await readdir(join(root, 'docs/images'))).map((chart) => `docs/images/${chart}`)
  const expected = ['package.json', 'LICENSE', 'dist/cli.js', ...documents, ...charts]
  for (const { name } of entries) {
    expected.push(...['js', 'cjs', 'd.ts', 'd.cts'].map((ending) => `dist/${name}.${ending}`))
  }
  const missing = expected.filter((file) => !files.includes(file))
  const unwanted = files.filter(
    (file) => !expected.includes(file) && !/^dist\/[\w-]+\.(c?js(\.map)?|d\.c?ts)$/.test(file),
  )
  if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`)
  if (unwanted.length > 0) throw new Error(`unwanted: ${unwanted.join(', ')}`)
}

const isPage = (file: string) => file.endsWith('.md')

/** Which npm packages a program loads, the package itself left out. */
async function loadedPackages(node: string, project: string, program: string[]): Promise<string[]> {
  const record = join(project, 'loaded.txt')
  await rm(record, { force: true })
  const env = { ...process.env, LOADED_MODULES: record }
  const { stdout } = await exec(node, program, { cwd: project, env })
  const urls = `${stdout}\n${await readFile(record, 'utf8').catch(() => '')}`
  const names = [...urls.matchAll(/node_modules\/((?:@[^/\s]+\/)?[^/\s]+)/g)].map((match) => match[1] ?? '')
  return [...new Set(names)].filter((name) => name !== 'coherent-cache').sort()
}

async function checkLoads(node: string, project: string): Promise<void> {
  const imported = [
    '--import',
    './record-loads.mjs',
    '--input-type=module',
    '--eval',
    `import 'coherent-cache'`,
  ]
  const required = [
    '--input-type=commonjs',
    '--eval',
    `require('coherent-cache'); console.log(Object.keys(require.cache).join('\\n'))`,
  ]
  for (const program of [imported, required]) {
    const packages = await loadedPackages(node, project, program)
    if (packages.join() !== 'lru-cache')
      throw new Error(`${program.at(-1)} loads ${packages.join(', ') || 'nothing'}`)
  }
}

/** The declarations compile for users of either module system, without the clients and without `skipLibCheck`. */
async function checkTypes(project: string, extension: 'mts' | 'cts'): Promise<void> {
  const file = join(project, `types.${extension}`)
  const lines = specifiers.map(
    (specifier, index) => `import * as entry${index} from '${specifier}'\nvoid entry${index}`,
  )
  await writeFile(file, `${lines.join('\n')}\n`)
  const options = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--target',
    'es2023',
    '--lib',
    'es2023,esnext.disposable',
  ]
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')]
  await exec(tool('tsc'), [...options, ...types, '--module', 'node20', file], { cwd: project })
}

const folder = await mkdtemp(join(tmpdir(), 'coherent-cache-package-'))
try {
  const project = join(folder, 'project')
  const tarball = await pack(folder)
  await install(tarball, project)

  await check('the tarball holds what it should', () => checkContents(tarball))
  await check('publint', () => exec(tool('publint'), ['run', tarball, '--strict']))
  await check('are the types wrong', () => exec(tool('attw'), [tarball, '--profile', 'node16']))
  await check('types for import', () => checkTypes(project, 'mts'))
  await check('types for require', () => checkTypes(project, 'cts'))

  for (const major of [20, 22, 24]) {
    let node = ''
    await check(`Node.js ${major}: can be had`, async () => {
      node = await findNode(major)
    })
    if (!node) continue
    const runs = (...args: string[]) => exec(node, args, { cwd: project })
    await check(`Node.js ${major}: import and require of every entry point`, () =>
      runs('entry-points.mjs', ...specifiers),
    )
    await check(`Node.js ${major}: both formats in one process`, () => runs('both-formats.mjs'))
    await check(`Node.js ${major}: the command line`, () =>
      runs(join('node_modules', 'coherent-cache', 'dist', 'cli.js'), 'audit', '--help'),
    )
    await check(`Node.js ${major}: loads lru-cache and nothing else`, () => checkLoads(node, project))
  }
} catch (error) {
  failed++
  console.log(`FAIL  the package could be built and installed\n${describe(error)}`)
} finally {
  await rm(folder, { recursive: true, force: true })
}

console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
