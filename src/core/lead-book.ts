import type { Clock } from './clock.ts'
import type { LeadRecords, LeadReply, LeadRequest, RecordReply, RecordRequest } from './store.ts'

interface Office {
  holder: string
  label: string
  until: number
  fence: number
  revision: number
  readonly entries: Map<string, string>
}

/** Who leads what, and what is on record, within one process: what a shared store keeps, step by step. */
export class LeadBook {
  readonly #clock: Clock
  readonly #offices = new Map<string, Office>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  lead({ title, holder, label, ttlMs }: LeadRequest): LeadReply {
    const office = this.#office(title)
    const now = this.#clock.monotonic()
    const vacant = office.holder === '' || now >= office.until
    if (ttlMs === 0) {
      if (office.holder === holder) office.holder = ''
    } else if (vacant && office.holder !== holder) {
      office.holder = holder
      // By the clock too, so that a store that has forgotten the last term still gives the next one a greater number.
      office.fence = Math.max(office.fence + 1, Math.floor(this.#clock.now()))
    }
    if (ttlMs > 0 && office.holder === holder) {
      office.label = label
      office.until = now + ttlMs
    }
    const { fence, revision } = office
    return { held: ttlMs > 0 && office.holder === holder, fence, revision, leader: this.#leader(office) }
  }

  records(title: string, known?: number): LeadRecords {
    const office = this.#office(title)
    const { revision } = office
    const entries = revision === known ? undefined : new Map(office.entries)
    return { revision, leader: this.#leader(office), entries }
  }

  record({ title, entries, term }: RecordRequest): RecordReply {
    const office = this.#office(title)
    if (term !== undefined && !this.#leads(office, term)) return { written: false, revision: office.revision }
    for (const [name, text] of entries) {
      if (text === '') office.entries.delete(name)
      else office.entries.set(name, text)
    }
    return { written: true, revision: ++office.revision }
  }

  reset(): void {
    this.#offices.clear()
  }

  /** Remembers everything. @returns what another book goes on with. */
  replica(): (into: LeadBook) => void {
    const copy = copyOf(this.#offices)
    return (into) => {
      into.reset()
      for (const [title, office] of copyOf(copy)) into.#offices.set(title, office)
    }
  }

  #leads(office: Office, term: { readonly holder: string; readonly fence: number }): boolean {
    return (
      office.holder === term.holder && office.fence === term.fence && this.#clock.monotonic() < office.until
    )
  }

  #leader({ holder, until, label }: Office): string {
    return holder !== '' && this.#clock.monotonic() < until ? label : ''
  }

  #office(title: string): Office {
    const known = this.#offices.get(title)
    if (known !== undefined) return known
    const made = { holder: '', label: '', until: 0, fence: 0, revision: 0, entries: new Map() }
    this.#offices.set(title, made)
    return made
  }
}

function copyOf(offices: ReadonlyMap<string, Office>): Map<string, Office> {
  return new Map(
    [...offices].map(([title, office]) => [title, { ...office, entries: new Map(office.entries) }]),
  )
}
