import * as crypto from 'node:crypto'

type Hash = (algorithm: 'sha256', text: string, encoding: 'base64url') => string

/** In one go, where `node:crypto` can (Node 20.12 and later): a third of the time. */
const native = (crypto as { readonly hash?: Hash }).hash

/** The SHA-256 of a text in UTF-8, as base64url. */
export function sha256(text: string): string {
  return native === undefined ? sha256ByUpdates(text) : native('sha256', text, 'base64url')
}

export function sha256ByUpdates(text: string): string {
  return crypto.createHash('sha256').update(text).digest('base64url')
}
