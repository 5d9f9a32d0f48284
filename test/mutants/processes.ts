import { spawn } from 'node:child_process'

/** What came of a process. */
export interface Ended {
  readonly code: number | null
  readonly said: string
  readonly complaints: string
}

export function ended(
  command: string,
  args: readonly string[],
  where: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  const child = spawn(command, args, { ...where, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    complaints += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, said, complaints }))
  })
}

/** Runs a script that answers each of what it is given with a line of JSON. */
export async function answersOf<T>(script: string, given: readonly unknown[]): Promise<readonly T[]> {
  const { code, said, complaints } = await ended(process.execPath, [script, JSON.stringify(given)])
  if (code !== 0) throw new Error(`it ended with ${code}: ${complaints.slice(0, 500)}`)
  return said
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}
