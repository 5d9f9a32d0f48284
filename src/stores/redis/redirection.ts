/** What a node of a cluster says instead of executing a command. */
export interface Redirection {
  /**
   * `MOVED`: another node serves the slot. `ASK`: the slot is being moved, and what the command names is not here but may
   * be there. `TRYAGAIN`: the slot is being moved, and what the command names is partly there.
   */
  readonly kind: 'MOVED' | 'ASK' | 'TRYAGAIN'
  /** `HOST:PORT`, or `:PORT` for the host that says it; empty where there is none. */
  readonly address: string
}

/** The redirection that a failed command met; undefined for any other error. */
export function redirectionOf(error: unknown): Redirection | undefined {
  if (!(error instanceof Error)) return undefined
  const [kind, , address = ''] = error.message.split(' ')
  if (kind === 'TRYAGAIN') return { kind, address: '' }
  if ((kind === 'MOVED' || kind === 'ASK') && address !== '') return { kind, address }
  return undefined
}
