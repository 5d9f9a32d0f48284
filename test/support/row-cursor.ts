import type { Connection, Submittable } from 'pg'

/**
 * A cursor as `pg-cursor` is one: it sends its own messages, and holds its connection until it has been read to the end
 * or closed.
 */
export class RowCursor implements Submittable {
  readonly #text: string
  #connection: Connection | undefined
  #rows: string[][] = []
  #waiting: { resolve: (rows: string[][]) => void; reject: (error: Error) => void } | undefined
  #done = false

  constructor(text: string) {
    this.#text = text
  }

  submit = (connection: Connection): void => {
    this.#connection = connection
    connection.parse({ name: '', text: this.#text, types: [] }, true)
    connection.bind({ portal: 'c', values: [] }, true)
    connection.describe({ type: 'P', name: 'c' }, true)
    connection.flush()
  }

  /** So many rows more; fewer at the end. Call it once the one before has been answered. */
  async read(rows: number): Promise<string[][]> {
    if (this.#done) return []
    const answer = new Promise<string[][]>((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
    this.#connection?.execute({ portal: 'c', rows: rows as unknown as string }, true)
    this.#connection?.flush()
    return answer
  }

  close(): void {
    if (!this.#done) this.handleCommandComplete()
  }

  handleRowDescription(): void {}

  handleDataRow({ fields }: { fields: string[] }): void {
    this.#rows.push(fields)
  }

  handlePortalSuspended(): void {
    this.#waiting?.resolve(this.#rows.splice(0))
  }

  handleCommandComplete(): void {
    this.#done = true
    this.#connection?.close({ type: 'P', name: 'c' }, true)
    this.#connection?.sync()
  }

  handleReadyForQuery(): void {
    this.#waiting?.resolve(this.#rows.splice(0))
  }

  handleError(error: Error): void {
    this.#done = true
    this.#waiting?.reject(error)
    this.#connection?.sync()
  }
}
