import type { CacheReader, Session } from '../core/cache.ts'
import type { BatchLoader, ReadOptions } from '../core/loader.ts'
import type { Receipt } from '../core/receipt.ts'
import { decodeToken, encodeToken, mergeTokens, type ReadToken } from '../core/token.ts'
import { wrapRepository } from './wrap.ts'

const UNREADABLE = 'unreadable'

/** A reader that adds what it must not fall behind to every read. */
export function createSession(reader: CacheReader, text: string | null | undefined): Session {
  let token: ReadToken = decodeToken(text ?? '1')
  const encoded = () =>
    token.readable ? encodeToken(token.positions, token.queued, token.position) : UNREADABLE
  const withToken = (options: ReadOptions | undefined): ReadOptions | undefined => {
    if (options?.token !== undefined) {
      return { ...options, token: encodeMerged(token, decodeToken(options.token)) }
    }
    const behindNothing =
      token.readable && token.positions.size === 0 && token.position === undefined && !token.queued
    return behindNothing ? options : { ...options, token: encoded() }
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
      token = mergeTokens(token, decodeToken(typeof receipt === 'string' ? receipt : receipt.token))
    },
    get token() {
      return encoded()
    },
  }
}

function encodeMerged(one: ReadToken, other: ReadToken): string {
  const merged = mergeTokens(one, other)
  return merged.readable ? encodeToken(merged.positions, merged.queued, merged.position) : UNREADABLE
}
