/** What `main.ts` asks of a process. */
export type Ask =
  | { readonly ask: 'look'; readonly showId: number; readonly freshness: 'bounded' | 'committed' }
  | {
      readonly ask: 'book'
      readonly showId: number
      readonly seats: number
      readonly changesItsMind: boolean
    }
  | { readonly ask: 'leave' }

/** What it answers: what it saw and where that came from, or whether it booked. */
export interface Answer {
  readonly value?: number
  readonly tier?: string
  readonly booked?: boolean
}
