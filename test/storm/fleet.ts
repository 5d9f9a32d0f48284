import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import type { MapName } from './app.ts'
import type { MemberConfig, Order, Report } from './messages.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const READY_MS = 30_000
const GOODBYE_MS = 15_000

/** What a fleet is told by its members. */
export interface FleetListener {
  readonly report: (process: number, report: Report) => void
  /** A process has ended that nobody ended. */
  readonly died: (process: number, why: string) => void
  /** Called when a process was killed, once all that it had said has been heard. */
  readonly killed: (process: number) => Promise<void>
}

/** What all members have in common. */
export type FleetConfig = Omit<MemberConfig, 'process' | 'role' | 'map' | 'redis'> & {
  readonly redis: () => MemberConfig['redis']
}

/** A place for a process: one after the other, each a reader or a writer. */
export class Member {
  readonly role: 'reader' | 'writer'
  /** Between it and Redis, where the storm has proxies. */
  readonly proxy: TcpProxy | undefined
  map: MapName = 'old'
  process = 0
  child: ChildProcess | undefined
  /** Resolves when the process has ended and all that it had said has been heard. */
  ended: Promise<void> = Promise.resolve()
  /** Whether its end is somebody's doing. */
  expected = false
  /** Whether a fault has it in hand. */
  busy = false

  constructor(role: 'reader' | 'writer', proxy: TcpProxy | undefined) {
    this.role = role
    this.proxy = proxy
  }

  order(order: Order): void {
    if (this.child?.connected) this.child.send(order, () => {})
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL') this.expected = true
    this.child?.kill(signal)
  }
}

/** The processes of a storm. */
export class Fleet {
  readonly members: Member[] = []
  readonly #config: FleetConfig
  readonly #listener: FleetListener
  #processes: number

  constructor(config: FleetConfig, firstProcess: number, listener: FleetListener) {
    this.#config = config
    this.#processes = firstProcess
    this.#listener = listener
  }

  /** Starts so many readers and writers. With `proxyTo`, each reaches Redis through a proxy of its own. */
  async start(readers: number, writers: number, proxyTo: number | undefined): Promise<void> {
    const roles = [...Array(writers).fill('writer'), ...Array(readers).fill('reader')] as Member['role'][]
    for (const role of roles)
      this.members.push(new Member(role, proxyTo === undefined ? undefined : await startProxy(proxyTo)))
    await Promise.all(this.members.map((member) => this.spawn(member)))
  }

  /** Starts a process in a member's place. Resolves once it reads and writes. */
  async spawn(member: Member): Promise<void> {
    const { redis, ...config } = this.#config
    const process = ++this.#processes
    const { role, map, proxy } = member
    const address = proxy === undefined ? redis() : { port: proxy.port }
    const own: MemberConfig = { ...config, process, role, map, redis: address }
    const child = fork('test/storm/member.ts', [JSON.stringify(own)], {
      cwd: root,
      execArgv: ['--import', 'tsx', '--import', './scripts/text-loader.mjs'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // An interrupt from the keyboard is the conductor's.
      detached: true,
    })
    member.child = child
    member.process = process
    member.expected = false
    let stderr = ''
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr = `${stderr}${text}`.slice(-4_000)
    })
    const ready = new Promise<void>((resolve) => {
      child.on('message', (report: Report) => {
        if (report.t === 'ready') resolve()
        else this.#listener.report(process, report)
      })
    })
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
    const hungUp = new Promise<void>((resolve) => child.once('disconnect', () => resolve()))
    member.ended = Promise.all([closed, hungUp]).then(async () => {
      const { exitCode, signalCode } = child
      if (!member.expected && exitCode !== 0)
        this.#listener.died(process, `process ${process} ended (${exitCode ?? signalCode}): ${stderr}`)
      if (exitCode !== 0) await this.#listener.killed(process)
    })
    await withLimit(Promise.race([ready, member.ended]), READY_MS)
  }

  /** Ends the process in a member's place at once, and starts another one. */
  async replace(member: Member): Promise<void> {
    member.signal('SIGKILL')
    await member.ended
    await this.spawn(member)
  }

  /** A member that no other fault has in hand, if there is one. */
  free(role?: Member['role']): Member[] {
    return this.members.filter((member) => !member.busy && (role === undefined || member.role === role))
  }

  /** Has every process say what it has still to say, and end. */
  async stop(): Promise<void> {
    for (const member of this.members) {
      member.signal('SIGCONT')
      member.proxy?.release()
      member.order({ t: 'stop' })
    }
    await withLimit(Promise.all(this.members.map(({ ended }) => ended)), GOODBYE_MS)
    await this.kill()
  }

  async kill(): Promise<void> {
    for (const member of this.members)
      if (member.child?.exitCode === null && member.child.signalCode === null) member.signal('SIGKILL')
    await Promise.all(this.members.map(({ proxy }) => proxy?.close()))
  }

  /** Kills whatever still runs, without waiting: this process is about to end. */
  killNow(): void {
    for (const member of this.members) member.signal('SIGKILL')
  }
}

async function withLimit(done: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([done, late])
  clearTimeout(timer)
}
