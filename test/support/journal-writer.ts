import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Dependencies, defineDependencies } from 'coherent-cache'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The map of a writer, and of those who read what it writes. */
export const dependencies: Dependencies = defineDependencies({
  tables: { items: { invalidates: ['item:{id}'], stable: ['id'] } },
})

/** Every step from BEGIN until the record is settled, in this order. */
export const JOURNAL_STEPS = [
  'begun',
  'written',
  'sealed',
  'recorded',
  'commit sent',
  'committed',
  'rotating',
  'rotated',
  'settling',
  'settled',
] as const
export type JournalStep = (typeof JOURNAL_STEPS)[number]

export interface JournalWriterConfig {
  readonly redisPort: number
  readonly name: string
  readonly mode: 'bounded' | 'committed'
  readonly url: string
  readonly schema: string
  readonly graceMs: number
  /** The row that it writes. */
  readonly id: number
  /** Where it ends itself by SIGKILL. */
  readonly step: JournalStep
}

/** Starts one, and resolves with how it ended: by the signal, unless something is wrong. */
export async function runJournalWriter(config: JournalWriterConfig): Promise<string> {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--import',
      './scripts/text-loader.mjs',
      'test/support/children/journal-writer.ts',
      JSON.stringify(config),
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const end = () => child.kill('SIGKILL')
  process.on('exit', end)
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      process.removeListener('exit', end)
      resolve(signal ?? `${code}: ${stderr}`)
    })
  })
}
