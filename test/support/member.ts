import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type {
  CacheOptions,
  CloseReport,
  Health,
  InvalidateRequest,
  ReadOptions,
  Receipt,
} from 'coherent-cache'
import type { ClientName } from './redis-clients.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a member of a fleet is started with. */
export interface MemberConfig {
  readonly port: number
  readonly name: string
  readonly namespace?: string
  /** One of `children/apps.ts`. @default 'old' */
  readonly app?: string
  readonly ioredis?: ClientName
  /** Options of its client. */
  readonly client?: Record<string, unknown>
  readonly partitions?: number
  /** Options of its cache, as far as they can be sent. */
  readonly options?: Pick<
    CacheOptions,
    'maxStaleness' | 'memory' | 'storeTimeout' | 'loadWait' | 'partitionBy' | 'ttl'
  >
}

/** What a member can be asked to do. */
export type Ask =
  | { readonly op: 'ready'; readonly timeoutMs?: number }
  | {
      readonly op: 'get'
      readonly key: string
      readonly value: unknown
      readonly loadMs?: number
      readonly options?: ReadOptions
    }
  | {
      readonly op: 'many'
      readonly key: string
      readonly value: unknown
      readonly times: number
      readonly loadMs?: number
    }
  | { readonly op: 'peek'; readonly key: string }
  | { readonly op: 'invalidate'; readonly request: InvalidateRequest }
  | { readonly op: 'clear' | 'hold' | 'resume' | 'loads' | 'events' | 'health' }
  | { readonly op: 'close'; readonly timeoutMs?: number }

/** What a read came to. */
export interface Got {
  readonly value: unknown
  readonly status: 'hit' | 'stale' | 'miss' | 'bypass'
  readonly tier: 'memory' | 'store' | 'loader'
  /** After how many milliseconds its loader was called. */
  readonly reachedLoader?: number
  readonly tookMs: number
}

/** An event its cache told. */
export interface Told {
  readonly name: string
  readonly at: number
  readonly reason?: string | undefined
  readonly replayed?: number | undefined
  readonly stamps?: readonly string[] | undefined
  readonly keys?: readonly string[] | undefined
}

export interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
  readonly code?: string | undefined
}

/** A cache in an operating-system process of its own. */
export interface Member {
  readonly pid: number
  ready(timeoutMs?: number): Promise<void>
  get(
    key: string,
    value: unknown,
    options?: { readonly loadMs?: number; readonly read?: ReadOptions },
  ): Promise<Got>
  /** Reads one key many times at once. Resolves with the different values that came. */
  many(key: string, value: unknown, times: number, loadMs?: number): Promise<readonly unknown[]>
  peek(key: string): Promise<unknown>
  invalidate(request: InvalidateRequest): Promise<Pick<Receipt, 'status' | 'stamps' | 'token'>>
  clear(): Promise<Pick<Receipt, 'status' | 'stamps' | 'token'>>
  /** From now on its loaders wait, until it is told to resume. */
  hold(): Promise<void>
  resume(): Promise<void>
  loads(): Promise<number>
  /** What its cache told since it was last asked. */
  events(): Promise<readonly Told[]>
  health(): Promise<Health>
  /** Closes the cache. The process has then nothing left to do, and must end by itself. */
  close(timeoutMs?: number): Promise<CloseReport>
  kill(signal: NodeJS.Signals): void
  /** How it ended: its exit code or the signal, and what it wrote to stderr. */
  readonly ended: Promise<{ readonly code: number | NodeJS.Signals | null; readonly stderr: string }>
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts one. Resolves once it runs; its cache may not have reached Redis yet. */
export async function startMember(config: MemberConfig): Promise<Member> {
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--import',
      './scripts/text-loader.mjs',
      'test/support/children/member.ts',
      JSON.stringify(config),
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
  )
  running.add(child)
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let asked = 0
  child.on('message', ({ id, value, error, code }: Reply) => {
    const one = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) one?.resolve(value)
    else one?.reject(Object.assign(new Error(error), { code }))
  })
  const ended = new Promise<{ code: number | NodeJS.Signals | null; stderr: string }>((resolve) => {
    child.on('close', (code, signal) => {
      running.delete(child)
      for (const { reject } of waiting.values())
        reject(new Error(`The process has ended (${code ?? signal}). ${stderr}`))
      resolve({ code: code ?? signal, stderr })
    })
  })
  const answer = (id: number) =>
    new Promise<unknown>((resolve, reject) => {
      waiting.set(id, { resolve, reject })
    })
  const ask = async <T>(what: Ask): Promise<T> => {
    const id = ++asked
    const replied = answer(id)
    child.send({ id, ask: what }, (error) => {
      if (error) waiting.get(id)?.reject(error)
    })
    return (await replied) as T
  }
  await answer(0)
  return {
    pid: child.pid as number,
    ended,
    ready: (timeoutMs) => ask({ op: 'ready', ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    get: (key, value, { loadMs, read } = {}) =>
      ask({
        op: 'get',
        key,
        value,
        ...(loadMs === undefined ? {} : { loadMs }),
        ...(read === undefined ? {} : { options: read }),
      }),
    many: (key, value, times, loadMs = 0) => ask({ op: 'many', key, value, times, loadMs }),
    peek: (key) => ask({ op: 'peek', key }),
    invalidate: (request) => ask({ op: 'invalidate', request }),
    clear: () => ask({ op: 'clear' }),
    hold: () => ask({ op: 'hold' }),
    resume: () => ask({ op: 'resume' }),
    loads: () => ask({ op: 'loads' }),
    events: () => ask({ op: 'events' }),
    health: () => ask({ op: 'health' }),
    close: (timeoutMs) => ask({ op: 'close', ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
    kill: (signal) => {
      child.kill(signal)
    },
  }
}

/** Members of one test, ended with it. */
export class Fleet {
  readonly #members: Member[] = []

  async start<const Configs extends readonly MemberConfig[]>(
    ...configs: Configs
  ): Promise<{ [At in keyof Configs]: Member }> {
    const members = await Promise.all(configs.map(startMember))
    this.#members.push(...members)
    return members as unknown as { [At in keyof Configs]: Member }
  }

  /** Kills those that still run. */
  async end(): Promise<void> {
    for (const member of this.#members) member.kill('SIGKILL')
    await Promise.all(this.#members.splice(0).map(({ ended }) => ended))
  }
}
