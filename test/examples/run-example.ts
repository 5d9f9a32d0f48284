import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Runs an example as `npm run example` does. Rejects unless it exits with 0 and complains of nothing. */
export async function runExample(name: string): Promise<string> {
  const tsx = createRequire(import.meta.url).resolve('tsx/cli')
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [tsx, '--import', './scripts/text-loader.mjs', 'examples/run.ts', name],
    { cwd: fileURLToPath(new URL('../../', import.meta.url)) },
  ).catch((error) => {
    throw new Error(`examples/${name} has failed.\n${error.stdout}\n${error.stderr}`)
  })
  if (stderr !== '') throw new Error(`examples/${name} complains: ${stderr}`)
  return stdout
}

/** The lines of one scene, from its first words to the next empty line, each cut at wide gaps. */
export function sceneOf(stdout: string, beginning: string): string[][] {
  const scene = stdout.split('\n\n').find((text) => text.startsWith(beginning))
  if (scene === undefined) throw new Error(`There is no scene '${beginning}' in\n${stdout}`)
  return scene
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s{2,}/))
}
