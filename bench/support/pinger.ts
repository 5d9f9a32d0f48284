import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A client in a process of its own that PINGs a Redis without pause, to feel when it stalls. */
export class Pinger {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(port: number): Promise<Pinger> {
    const child = fork(fileURLToPath(new URL('./ping.ts', import.meta.url)), [String(port)])
    await once(child, 'message')
    return new Pinger(child)
  }

  /** @returns the longest that a PING had to wait while `body` ran, in milliseconds */
  async longest(body: () => Promise<unknown>): Promise<number> {
    this.#child.send('go')
    await once(this.#child, 'message')
    await body()
    this.#child.send('stop')
    const [longestMs] = (await once(this.#child, 'message')) as [number]
    return longestMs
  }

  end(): void {
    this.#child.disconnect()
  }
}
