import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import type { CodeBlock } from './code-blocks.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Folders below the root: that of the modules that blocks become, whose packages they see, and that of preludes. */
export interface Places {
  readonly modules: string
  readonly preludes: string
}

const HERE: Places = { modules: 'test', preludes: 'test/support/preludes' }

/** The prelude of blocks that need the database clients, which only the tests in test/databases have. */
export const CLIENTS_PRELUDE = 'clients'

/**
 * Compiles code blocks in one program, each as a module of its own against the package's sources, with the
 * strictness of `tsconfig.json`, except that an example may leave a name unused.
 *
 * @returns One sentence per error, starting with the file and line of the document.
 */
export function compileBlocks(
  blocks: readonly CodeBlock[],
  { modules: folder, preludes }: Places = HERE,
): string[] {
  const errors: string[] = []
  const modules = new Map<string, Module>()
  for (const [index, block] of blocks.entries()) {
    const module = moduleOf(block, preludes)
    if (module) modules.set(join(root, folder, `documented-${index}.ts`), module)
    else errors.push(`${block.file}:${block.line}: there is no ${preludes}/${block.prelude}.ts`)
  }
  const options = compilerOptions()
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => modules.has(path) || fileExists(path)
  host.readFile = (path) => modules.get(path)?.text ?? readFile(path)
  host.getSourceFile = (path, language, ...rest) => {
    const module = modules.get(path)
    return module ? ts.createSourceFile(path, module.text, language) : getSourceFile(path, language, ...rest)
  }

  const ambient = ['src/text-modules.d.ts', 'test/support/web-frameworks.d.ts'].map((file) =>
    join(root, file),
  )
  const program = ts.createProgram({ rootNames: [...ambient, ...modules.keys()], options, host })
  for (const [path, { block, offset }] of modules) {
    const source = program.getSourceFile(path)
    for (const diagnostic of [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ]) {
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')
      const line = source?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0
      const place =
        line < offset ? `${block.line} (prelude ${block.prelude})` : `${block.line + line - offset}`
      errors.push(`${block.file}:${place}: ${message}`)
    }
  }
  return errors
}

interface Module {
  block: CodeBlock
  text: string
  /** How many lines of the text come before the block's own. */
  offset: number
}

function moduleOf(block: CodeBlock, preludes: string): Module | undefined {
  const file = block.prelude && join(root, preludes, `${block.prelude}.ts`)
  if (file && !existsSync(file)) return undefined
  const prelude = file ? `${readFileSync(file, 'utf8').trimEnd()}\n` : ''
  return { block, text: `${prelude}${block.code}\nexport {}\n`, offset: prelude.split('\n').length - 1 }
}

function compilerOptions(): ts.CompilerOptions {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(
    { ...config.config, include: [], files: [] },
    ts.sys,
    root,
  )
  return { ...options, noUnusedLocals: false, noUnusedParameters: false }
}
