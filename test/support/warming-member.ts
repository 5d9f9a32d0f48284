import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { HealthPart } from 'coherent-cache'
import type { ScheduleStatus } from 'coherent-cache/warming'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface WarmingMemberConfig {
  readonly port: number
  readonly name: string
  readonly term: `${number}ms`
  readonly cron?: string
  readonly tenants: number
  readonly loadMs: number
}

export type WarmingAsk = 'start' | 'leads' | 'status' | 'health' | 'close'

export type WarmingTold =
  | { readonly what: 'started' }
  | { readonly what: 'load'; readonly orgId: number }
  | { readonly what: 'lead'; readonly held: boolean; readonly fence: number }
  | { readonly what: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly what: 'refusal'; readonly id: number; readonly why: string }

/** A process that warms on schedules. */
export interface WarmingMember {
  /** What it has loaded, in order. */
  readonly loads: readonly number[]
  /** Whether it led, and since when, as it told. */
  readonly terms: readonly { readonly held: boolean; readonly fence: number }[]
  ask(ask: 'start' | 'close'): Promise<unknown>
  ask(ask: 'leads'): Promise<boolean>
  ask(ask: 'status'): Promise<ScheduleStatus>
  ask(ask: 'health'): Promise<HealthPart>
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<unknown>
}

export async function startWarmingMember(config: WarmingMemberConfig): Promise<WarmingMember> {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--import',
      './scripts/text-loader.mjs',
      'test/support/children/warming-member.ts',
      JSON.stringify(config),
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  )
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  const ended = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      process.off('exit', end)
      resolve(code ?? signal)
    })
  })
  const loads: number[] = []
  const terms: { held: boolean; fence: number }[] = []
  const answers = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  void ended.then((how) => {
    for (const { reject } of answers.values()) reject(new Error(`The member has ended (${how}).`))
  })
  let asked = 0
  await new Promise<void>((resolve) => {
    child.on('message', (told: WarmingTold) => {
      if (told.what === 'started') resolve()
      else if (told.what === 'load') loads.push(told.orgId)
      else if (told.what === 'lead') terms.push(told)
      else {
        const waiting = answers.get(told.id)
        answers.delete(told.id)
        if (told.what === 'refusal') waiting?.reject(new Error(told.why))
        else waiting?.resolve(told.value)
      }
    })
  })
  return {
    loads,
    terms,
    ask: (ask: WarmingAsk) =>
      new Promise<never>((resolve, reject) => {
        const id = ++asked
        answers.set(id, { resolve: resolve as (value: unknown) => void, reject })
        child.send({ id, ask })
      }),
    kill: (signal) => void child.kill(signal),
    ended,
  }
}
