/**
 * An example's service in an operating-system process of its own. In the child: `serve({ … })`. In the parent:
 * `ServiceProcess.start<typeof service>(…)`, whose `call` is typed by what the child serves.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

// biome-ignore lint/suspicious/noExplicitAny: methods of any service
type Service = Readonly<Record<string, (...args: any[]) => unknown>>

interface Call {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}
interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** The parent's side. */
export class ServiceProcess<S extends Service> {
  readonly name: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  #calls = 0

  private constructor(name: string, child: ChildProcess) {
    this.name = name
    this.#child = child
    child.on('message', ({ id, value, error }: Reply) => {
      const call = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) call?.resolve(value as never)
      else call?.reject(new Error(`${name}: ${error}`))
    })
    child.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${name} has ended (${code}).`))
    })
  }

  /** Forks `file` and resolves once it serves. */
  static async start<S extends Service>(
    name: string,
    file: URL,
    args: readonly string[],
  ): Promise<ServiceProcess<S>> {
    const child = fork(fileURLToPath(file), [name, ...args], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      serialization: 'advanced', // bigints too
      // Imports .lua and .sql files from the sources. With the package installed none of this is needed.
      execArgv: ['--import', 'tsx', '--import', './scripts/text-loader.mjs'],
    })
    const ended = once(child, 'exit').then(([code]) =>
      Promise.reject(new Error(`${name} has ended (${code}).`)),
    )
    ended.catch(() => {})
    await Promise.race([once(child, 'message'), ended])
    return new ServiceProcess<S>(name, child)
  }

  call<M extends keyof S & string>(method: M, ...args: Parameters<S[M]>): Promise<Awaited<ReturnType<S[M]>>> {
    const id = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, method, args } satisfies Call)
    })
  }

  /** Has the child close what it holds, and waits for its end. */
  async leave(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    if (this.#child.connected) this.#child.disconnect()
    await ended
  }
}

/** The child's side: answers the parent's calls until it goes away, then runs `close`. */
export function serve<S extends Service>(service: S, close: () => Promise<void>): void {
  process.on('message', async ({ id, method, args }: Call) => {
    const reply = await Promise.resolve()
      .then(() => service[method]?.(...args))
      .then((value): Reply => ({ id, value }))
      .catch((error): Reply => ({ id, error: String(error?.message ?? error) }))
    process.send?.(reply)
  })
  process.once('disconnect', close)
  process.send?.({ id: 0 } satisfies Reply)
}
