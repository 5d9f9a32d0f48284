import type { CancelTimer, Clock } from '../core/clock.ts'
import { LeadBook } from '../core/lead-book.ts'
import type { Leads } from '../core/store.ts'

/** One term of leadership: from taking it to losing it. */
export interface Term {
  readonly holder: string
  /** Names the term in the store; greater than that of any before it. */
  readonly fence: number
  /** Aborted when the term has ended, with the reason. */
  readonly signal: AbortSignal
  /** Whether it is certain that nobody else leads: asked by the clock, since timers of a process that was paused are late. */
  held(): boolean
}

/** What leadership works with, and whom it tells. */
export interface LeadershipRoom {
  readonly clock: Clock
  readonly leads: Leads
  readonly title: string
  /** A fresh nonce, the candidate's. */
  readonly holder: string
  /** Who that is, for people. */
  readonly label: string
  readonly ttlMs: number
  /** False: only looks who leads, and for news. */
  readonly candidate: boolean
  onGained(term: Term): void
  onLost(term: Term, reason: string): void
  /** Records have changed. */
  onNews(): void
}

/** A third of a term: two renewals may fail before it ends. */
const TURNS_PER_TERM = 3
const LONGEST_RETRY_MS = 1_000
/** What part of a term is not relied on, since clocks of two machines do not run alike. */
const MARGIN = 0.1

interface OwnTerm extends Term {
  readonly ending: AbortController
  until: number
}

/**
 * Stands for the lead of the fleet's schedules, keeps it while it has it, and gives it up in time. A term counts from the
 * moment its renewal was sent, on the monotonic clock, so that it ends here before it ends in the store.
 */
export class Leadership {
  readonly #room: LeadershipRoom
  #term: OwnTerm | undefined
  #leader = ''
  /** When the store last told who leads. */
  #heardAt = Number.NEGATIVE_INFINITY
  #revision = -1
  #closed = false
  #turning: Promise<void> | undefined
  #again = false
  /** Whether the last question was answered. */
  #told = false
  #cancelTurn: CancelTimer = () => {}
  #cancelEnd: CancelTimer = () => {}

  constructor(room: LeadershipRoom) {
    this.#room = room
  }

  /** The running term; undefined where this process does not lead. */
  get term(): Term | undefined {
    return this.#term?.held() === true ? this.#term : undefined
  }

  /** Who leads, as last heard; an empty text for nobody. */
  get leader(): string {
    return this.#leader
  }

  /** Milliseconds since the store last told who leads. */
  get silentMs(): number {
    return this.#room.clock.monotonic() - this.#heardAt
  }

  start(): void {
    void this.turn()
  }

  /** Asks the store now. Resolves when it has been asked once more; never rejects. */
  turn(): Promise<void> {
    if (this.#turning !== undefined) this.#again = true
    this.#turning ??= this.#turns().finally(() => {
      this.#turning = undefined
      if (!this.#closed) this.#later(this.#told ? this.#pace : this.#retry)
    })
    return this.#turning
  }

  /** Gives the lead up, so that another process need not wait for its end. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelTurn()
    await this.#turning
    const { leads, title, holder, label, candidate } = this.#room
    this.#lose('it was closed')
    // Whether or not it leads as far as it knows: the answer to its last question may have been lost.
    if (candidate) await leads.lead({ title, holder, label, ttlMs: 0 }).catch(() => {})
  }

  get #pace(): number {
    return this.#room.ttlMs / TURNS_PER_TERM
  }

  get #retry(): number {
    return Math.min(this.#pace, LONGEST_RETRY_MS)
  }

  async #turns(): Promise<void> {
    do {
      this.#again = false
      this.#cancelTurn()
      await this.#ask()
    } while (this.#again && !this.#closed)
  }

  async #ask(): Promise<void> {
    const { clock, leads, title, holder, label, ttlMs, candidate } = this.#room
    const sentAt = clock.monotonic()
    try {
      const reply = candidate
        ? await leads.lead({ title, holder, label, ttlMs })
        : { held: false, fence: 0, ...(await leads.records(title, Math.max(0, this.#revision))) }
      this.#told = true
      this.#heardAt = sentAt
      this.#leader = reply.leader
      if (reply.held) this.#hold(reply.fence, sentAt)
      else this.#lose(reply.leader === '' ? 'its term has ended' : `${reply.leader} leads`)
      if (reply.revision === this.#revision) return
      this.#revision = reply.revision
      this.#room.onNews()
    } catch (error) {
      this.#told = false
      if (this.#term?.held() === false) this.#lose(`it could not be renewed: ${(error as Error).message}`)
    }
  }

  #hold(fence: number, sentAt: number): void {
    const { clock, ttlMs, holder } = this.#room
    const until = sentAt + ttlMs * (1 - MARGIN)
    // The answer may have come when the term had already ended.
    if (this.#closed || clock.monotonic() >= until) return
    if (this.#term !== undefined && (this.#term.fence !== fence || !this.#term.held()))
      this.#lose('its term has ended')
    if (this.#term !== undefined) {
      this.#term.until = until
    } else {
      const ending = new AbortController()
      const term: OwnTerm = {
        holder,
        fence,
        ending,
        signal: ending.signal,
        until,
        held: () => !ending.signal.aborted && clock.monotonic() < term.until,
      }
      this.#term = term
      this.#room.onGained(term)
    }
    this.#cancelEnd()
    this.#cancelEnd = clock.after(until - clock.monotonic(), () => {
      if (this.#term?.held() === false) this.#lose('it was not renewed in time')
    })
  }

  #lose(reason: string): void {
    const term = this.#term
    if (term === undefined) return
    this.#term = undefined
    this.#cancelEnd()
    term.ending.abort(new Error(`This process leads no more: ${reason}.`))
    this.#room.onLost(term, reason)
  }

  #later(milliseconds: number): void {
    this.#cancelTurn()
    this.#cancelTurn = this.#room.clock.after(milliseconds, () => void this.turn())
  }
}

/** Leadership where one process is all there is. */
export function localLeads(clock: Clock): Leads {
  const book = new LeadBook(clock)
  return {
    lead: async (request) => book.lead(request),
    records: async (title, known) => book.records(title, known),
    record: async (request) => book.record(request),
  }
}
