import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ServerCommand {
  /** For messages: `Redis`, `PostgreSQL`. */
  name: string
  command: string
  args: string[]
  cwd: string
  env?: NodeJS.ProcessEnv
  /** Runs the server as this user. */
  user?: { uid: number; gid: number } | undefined
  /** Where its output goes. */
  log: string
  /** Ends the server at once and cleanly, where its data is of no more use. */
  quitSignal: NodeJS.Signals
  /** Folders that go when the test process dies before it has stopped the server. */
  temporary: string[]
}

/**
 * A server that this process started and that never outlives it.
 *
 * A guard process waits for the pipe to this one to close, which happens however this process ends, `SIGKILL`
 * included; it then ends the server and removes its temporary folders. Server and guard have sessions of their
 * own, so that an interrupt from the keyboard reaches neither of them first.
 */
export class ServerProcess {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #exited: Promise<void>

  private constructor(
    readonly command: ServerCommand,
    child: ChildProcess,
    pid: number,
  ) {
    this.pid = pid
    this.#child = child
    const guard = startGuard(pid, command)
    this.#exited = new Promise((resolve) => {
      const finished = () => {
        guard.kill('SIGKILL')
        resolve()
      }
      if (this.running) child.once('exit', finished)
      else finished()
    })
    child.unref()
  }

  /** Starts the server and waits until `ready` is true. Rejects with the end of its log when it never is. */
  static async start(
    command: ServerCommand,
    ready: (pid: number) => Promise<boolean>,
  ): Promise<ServerProcess> {
    const log = await open(command.log, 'a')
    const child = spawn(command.command, command.args, {
      cwd: command.cwd,
      env: command.env ?? process.env,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
      ...command.user,
    })
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    }).finally(() => log.close())
    if (child.pid === undefined) throw new Error(`${command.name} has no process id`)
    const server = new ServerProcess(command, child, child.pid)

    const deadline = Date.now() + 30_000
    while (server.running && Date.now() < deadline) {
      if (await ready(server.pid)) return server
      await sleep(15)
    }
    await server.end('SIGKILL')
    throw new ServerStartError(command.name, await readFile(command.log, 'utf8'))
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Sends a signal. With `SIGKILL`, resolves once the process is gone. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (!this.running) throw new Error(`${this.command.name} (process ${this.pid}) does not run`)
    this.#child.kill(signal)
    if (signal === 'SIGKILL') await this.#gone()
  }

  /** Ends the server, a stopped one too, and resolves once it is gone. After five seconds it is killed. */
  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.running) {
      this.#child.kill(signal)
      this.#child.kill('SIGCONT')
    }
    await this.#gone(5_000)
  }

  async #gone(patience?: number): Promise<void> {
    this.#child.ref()
    const killing =
      patience === undefined ? undefined : setTimeout(() => this.#child.kill('SIGKILL'), patience)
    await this.#exited
    clearTimeout(killing)
  }
}

/** A server that ended, or never answered, while it was starting. */
export class ServerStartError extends Error {
  /** Whether another process had taken the port. */
  readonly portTaken: boolean

  constructor(name: string, log: string) {
    super(`${name} did not start. The end of its log:\n${log.split('\n').slice(-20).join('\n')}`)
    this.portTaken = /address already in use/i.test(log)
  }
}

/** Calls `start` with a free port; with another one where a neighbour was quicker to take it. */
export async function onFreePort<T>(
  port: number | undefined,
  start: (port: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(port ?? (await freePort()))
    } catch (error) {
      const again = error instanceof ServerStartError && error.portTaken && port === undefined && attempt < 5
      if (!again) throw error
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(address)))
    })
  })
}

const guardScript = `
cat > /dev/null
pid=$1; signal=$2; shift 2
kill -s "$signal" "$pid"; kill -s CONT "$pid"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -s 0 "$pid" || break; sleep 0.1; done
kill -s KILL "$pid"
rm -rf "$@"`

function startGuard(pid: number, { quitSignal, temporary }: ServerCommand): ChildProcess {
  const args = ['-c', guardScript, 'guard', String(pid), quitSignal.replace('SIG', ''), ...temporary]
  const guard = spawn('/bin/sh', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' })
  guard.unref()
  if (guard.stdin && 'unref' in guard.stdin && typeof guard.stdin.unref === 'function') guard.stdin.unref()
  return guard
}
