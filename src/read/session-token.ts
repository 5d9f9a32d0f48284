import { CacheError, type ErrorCode, show } from '../core/errors.ts'
import type { Position } from '../core/store.ts'
import { decodeToken, type ReadToken } from '../core/token.ts'

/** What a session's read brings along in place of a token's text: it hears of it when the store has answered. */
export class SessionToken {
  readonly token: ReadToken
  readonly answered: (positions: readonly Position[]) => void

  constructor(token: ReadToken, answered: (positions: readonly Position[]) => void) {
    this.token = token
    this.answered = answered
  }
}

/**
 * A token as it came from a client: none at all for undefined, null and an empty text. Text that is no token asks for
 * the most, since a client may send anything.
 *
 * @throws CacheError for what is no text: that does not come from a client, but is a mistake in the code around it.
 */
export function readToken(given: unknown, code: ErrorCode, what: string): ReadToken | undefined {
  if (given === undefined || given === null || given === '') return undefined
  if (typeof given === 'string') return decodeToken(given)
  throw new CacheError(
    code,
    `${what}: ${show(given)} is no token. Pass a text, as receipt.token and session.token are, or null for none.`,
  )
}
