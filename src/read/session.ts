import type { CacheReader, Session } from '../core/cache.ts'
import { CacheError, show } from '../core/errors.ts'
import type { BatchLoader, ReadOptions } from '../core/loader.ts'
import type { Receipt } from '../core/receipt.ts'
import type { Position } from '../core/store.ts'
import { decodeToken, healedToken, mergeTokens, type ReadToken, textOfToken } from '../core/token.ts'
import { readToken, SessionToken } from './session-token.ts'
import { wrapRepository } from './wrap.ts'

/**
 * A reader that adds what it must not fall behind to every read.
 *
 * @param partitions how many the store has.
 * @throws CacheError `INVALID_ARGUMENT` for a token that is neither text nor null.
 */
export function createSession(
  reader: CacheReader,
  text: string | null | undefined,
  partitions: number,
): Session {
  let token: ReadToken = readToken(text, 'INVALID_ARGUMENT', 'session') ?? nothing()
  /** How much has been gathered: a reply to a read sent before says nothing of what came after. */
  let gathered = 0
  const withToken = (options: ReadOptions | undefined): ReadOptions | undefined => {
    const own: unknown = options?.token
    // What is no text is refused where every option is, as a rejection.
    if (own !== undefined && own !== null && typeof own !== 'string') return options
    const asked = own ? mergeTokens(token, decodeToken(own)) : token
    if (isNone(asked)) return options
    const before = gathered
    const answered = (positions: readonly Position[]) => {
      if (gathered === before) token = healedToken(token, positions, partitions)
    }
    return { ...options, token: new SessionToken(asked, answered) as unknown as string }
  }
  const many = reader.getMany.bind(reader) as (...args: unknown[]) => Promise<never[]>
  const get: CacheReader['get'] = (key, load, options) => reader.get(key, load, withToken(options))
  return {
    get,
    getEntry: (key, load, options) => reader.getEntry(key, load, withToken(options)),
    getMany: (first: unknown, second: unknown, third?: unknown, fourth?: unknown) =>
      Array.isArray(first)
        ? many(first, second as BatchLoader<never, never>, withToken(third as ReadOptions | undefined))
        : many(first, second, third, withToken(fourth as ReadOptions | undefined)),
    wrap: (repository, methods) => wrapRepository({ get }, repository, methods),
    observe(receipt: Receipt | string) {
      const given: unknown = typeof receipt === 'object' ? receipt?.token : receipt
      if (typeof given !== 'string') {
        throw new CacheError(
          'INVALID_ARGUMENT',
          `observe: ${show(receipt)} is neither a receipt nor its token. Await the change, and pass what it resolves to.`,
        )
      }
      gathered++
      token = mergeTokens(token, readToken(given, 'INVALID_ARGUMENT', 'observe') ?? nothing())
    },
    get token() {
      return textOfToken(token)
    },
  }
}

function nothing(): ReadToken {
  return decodeToken('1')
}

function isNone({ positions, position, queued, readable }: ReadToken): boolean {
  return readable && positions.size === 0 && position === undefined && !queued
}
