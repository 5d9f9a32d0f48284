import { sharedNow } from '../support/version-judge.ts'
import type { Versions } from './app.ts'
import { READ_HEAD } from './messages.ts'

const ROOM = 8_192

/** Gathers reads as plain numbers and hands them on in large pieces: there are thousands a second. */
export class ReadLog {
  readonly #send: (data: Float64Array) => void
  #data = new Float64Array(ROOM)
  #used = 0

  constructor(send: (data: Float64Array) => void) {
    this.#send = send
  }

  /** Notes a read that has just ended. */
  note(
    begin: number,
    key: number,
    value: Versions,
    freshness: number,
    tier: number,
    path: number,
    behind = -1,
  ): void {
    if (this.#used + READ_HEAD + value.length > ROOM) this.flush()
    const data = this.#data
    let at = this.#used
    data[at++] = begin
    data[at++] = sharedNow()
    data[at++] = key
    data[at++] = freshness
    data[at++] = tier
    data[at++] = path
    data[at++] = behind
    data[at++] = value.length / 3
    for (const one of value) data[at++] = one
    this.#used = at
  }

  flush(): void {
    if (this.#used === 0) return
    this.#send(this.#data.slice(0, this.#used))
    this.#used = 0
  }
}
