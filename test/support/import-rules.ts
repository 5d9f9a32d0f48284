import { dirname, join, normalize } from 'node:path/posix'
import ts from 'typescript'

/** Source files by their path below `src`, such as `core/stamp.ts`. */
export type SourceTree = ReadonlyMap<string, string>

/** Which rooms a room may import from, besides its own. */
const rooms: Record<string, readonly string[]> = {
  core: [],
  coherence: ['core'],
  loading: ['core', 'coherence'],
  lifetimes: ['core'],
  read: ['core', 'coherence', 'loading', 'lifetimes'],
  write: ['core', 'coherence'],
  stores: ['core'],
  sources: ['core'],
  databases: ['core'],
  decorators: ['core'],
  audit: ['core'],
  codecs: ['core'],
  warming: ['core'],
  tenancy: ['core'],
  observe: ['core'],
  web: ['core'],
  testing: ['core', 'stores'],
}

/** The files that put the rooms together. Nobody imports those of them that are files. */
const composers = ['index.ts', 'create-cache.ts', 'open-cache.ts', 'cli/']
const entryPoints = ['index.ts', 'testing/index.ts']
const npmPackages = ['lru-cache']
const sharedState = ['Map', 'Set', 'WeakMap', 'WeakSet', 'AsyncLocalStorage']

/**
 * What in a source tree breaks the rules of the house, one sentence each, starting with the file; none when it
 * keeps them. Type imports count like any other.
 */
export function violations(tree: SourceTree): string[] {
  const found: string[] = []
  const graph = new Map<string, string[]>()
  for (const [file, text] of tree) {
    const report = (what: string) => found.push(`${file}: ${what}`)
    checkName(file, report)
    if (file.endsWith('.lua')) checkLuaHeader(text, report)
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest)
    const imported = importsOf(source).flatMap((specifier) => checkImport(tree, file, specifier, report))
    graph.set(file, imported)
    checkModuleState(source, report)
  }
  return [...found, ...circles(graph)]
}

type Report = (what: string) => void

function checkName(file: string, report: Report): void {
  const parts = file.replace(/\.d\.ts$|\.\w+$/, '').split('/')
  if (!parts.every((part) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(part))) report('is not named in kebab-case')
  if (file.endsWith('/index.ts') && !entryPoints.includes(file)) report('is a barrel inside a room')
  const room = roomOf(file)
  if (room === undefined && !composers.includes(file) && !file.endsWith('.d.ts'))
    report('lies outside every room')
  if (room !== undefined && !(room in rooms) && room !== 'cli') report(`lies in an unknown room, ${room}`)
}

function checkLuaHeader(text: string, report: Report): void {
  const header = /^(--.*\n)*/.exec(text)?.[0] ?? ''
  for (const line of ['KEYS', 'ARGV', 'returns']) {
    if (!new RegExp(`^--\\s*${line}\\b`, 'im').test(header)) report(`has no line "-- ${line}" in its header`)
  }
}

/** The file that a specifier names, as the only element; none where it is outside the tree. */
function checkImport(tree: SourceTree, file: string, specifier: string, report: Report): string[] {
  if (specifier.startsWith('node:')) return []
  if (!specifier.startsWith('.')) {
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
    if (!npmPackages.includes(name)) report(`imports the package ${specifier}`)
    return []
  }
  const path = normalize(join(dirname(file), specifier))
  const target = [path, `${path}.ts`, path.replace(/\.js$/, '.ts')].find((candidate) => tree.has(candidate))
  if (target === undefined) {
    report(`imports ${specifier}, which is not in src`)
    return []
  }
  const [from, to] = [roomOf(file), roomOf(target)]
  const composer = composers.some((name) => file === name || (name.endsWith('/') && file.startsWith(name)))
  if (!composer) {
    if (to === undefined || to === 'cli') report(`imports ${target}, which only a composition root may`)
    else if (from !== to && !rooms[from ?? '']?.includes(to)) report(`imports ${target} from the room ${to}`)
  }
  return [target]
}

function roomOf(file: string): string | undefined {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : undefined
}

/** Every module that a file names: imports, re-exports, type imports, `import()`, `require()`. */
function importsOf(source: ts.SourceFile): string[] {
  const specifiers: string[] = []
  const add = (node: ts.Node | undefined) => {
    if (node && ts.isStringLiteralLike(node)) specifiers.push(node.text)
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal)
    else if (ts.isExternalModuleReference(node)) add(node.expression)
    else if (ts.isCallExpression(node) && isLoader(node.expression)) add(node.arguments[0])
    ts.forEachChild(node, visit)
  }
  visit(source)
  return specifiers
}

function isLoader(callee: ts.Expression): boolean {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
}

/** Two copies of a module must not differ, so no module holds state. Looks at what runs when a module is loaded. */
function checkModuleState(source: ts.SourceFile, report: Report): void {
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement) && !(statement.declarationList.flags & ts.NodeFlags.Const)) {
      report(
        `declares ${statement.declarationList.declarations.map((one) => one.name.getText(source)).join(', ')} with let at the top level`,
      )
    }
  }
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return
    if (
      ts.isPropertyDeclaration(node) &&
      !node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword)
    )
      return
    if (
      ts.isNewExpression(node) &&
      sharedState.includes(node.expression.getText(source).replace(/^.*\./, ''))
    ) {
      report(`creates a ${node.expression.getText(source)} when it is loaded`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
}

/** One sentence for each circle of imports, at the file that closes it. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      found.push(
        `${path.at(-1)}: closes the circle ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`,
      )
    } else if (!done.has(file)) {
      for (const next of graph.get(file) ?? []) visit(next, [...path, file])
      done.add(file)
    }
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}
