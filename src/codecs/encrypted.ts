import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { asBuffer } from '../core/bytes.ts'
import { type Codec, type CodecContext, LIBRARY_CODEC } from '../core/codec.ts'
import { CacheError, show } from '../core/errors.ts'
import { checkOptions } from '../core/options.ts'
import { ENCRYPTED, wrappedId } from './wrapped-id.ts'

/** With which keys values are encrypted. */
export interface EncryptionOptions {
  /**
   * Keys of 32 bytes by their ids, which stand in the stored values: 1 to 64 letters, digits or `. _ - @ / +`. Values
   * encrypted with any of them are read.
   */
  readonly keys: Readonly<Record<string, Uint8Array | KeyObject>>
  /** The id of the key that values are encrypted with from now on. */
  readonly current: string
}

const FORMAT = 1
const SALT = 16
const NONCE = 12
const TAG = 16
const KEY = 32
const ID = /^[\w.@/+-]{1,64}$/

/**
 * A codec whose values are encrypted and authenticated: AES-256-GCM under a key derived for each value (HKDF-SHA-256 with a
 * random salt), so that one key serves for as many values as there will ever be. Cache, family, version, key and codec are
 * authenticated with the value: put in the place of another one it cannot be read, which is a miss.
 *
 * To rotate, give every process the new key first, and make it `current` in a second step; values of a key that is left
 * out are misses. Names of keys, sizes, lifetimes and stamps are not hidden.
 *
 * @throws CacheError `INVALID_OPTION`
 *
 * @example
 * ```ts
 * import { randomBytes } from 'node:crypto'
 * import { createCache } from 'coherent-cache'
 * import { compressed, encrypted, jsonCodec } from 'coherent-cache/codecs'
 *
 * const keys = { '2026-11': randomBytes(32) } // from your secret store
 * const codec = encrypted(compressed(jsonCodec), { keys, current: '2026-11' })
 * const cache = createCache({ name: 'payroll', codec })
 * ```
 */
export function encrypted(codec: Codec, options: EncryptionOptions): Codec {
  checkOptions(options, ['keys', 'current'], 'encrypted')
  const id = wrappedId(codec, ENCRYPTED, ENCRYPTED, 'encrypted')
  const keys = readKeys(options?.keys)
  // Taken once: options that their owner changes later would put one key's name on what another one has sealed.
  const { current: currentId } = options
  const current = keys.get(currentId)
  if (current === undefined) {
    throw new CacheError(
      'INVALID_OPTION',
      `encrypted: current: ${show(currentId)} is none of the keys ${[...keys.keys()].map(show).join(', ')}.`,
    )
  }
  const seal = (bytes: Uint8Array, context: CodecContext): Uint8Array => {
    const name = Buffer.from(currentId, 'latin1')
    const fresh = randomBytes(SALT + NONCE)
    const cipher = createCipheriv('aes-256-gcm', derived(current, fresh), fresh.subarray(SALT), {
      authTagLength: TAG,
    })
    cipher.setAAD(associated(currentId, codec, context))
    const body = [cipher.update(bytes), cipher.final()]
    return Buffer.concat([Buffer.of(FORMAT, name.length), name, fresh, cipher.getAuthTag(), ...body])
  }
  const open = (sealed: Uint8Array, context: CodecContext): Uint8Array => {
    const bytes = asBuffer(sealed)
    const start = 2 + (bytes[1] ?? 0)
    if (bytes[0] !== FORMAT || bytes.length < start + SALT + NONCE + TAG)
      throw unreadable('cut short, or of another format')
    const name = bytes.toString('latin1', 2, start)
    const key = keys.get(name)
    if (key === undefined)
      throw unreadable(`encrypted with the key ${show(name)}, which is not among those given`)
    const fresh = bytes.subarray(start, start + SALT + NONCE)
    const tagged = start + SALT + NONCE
    const decipher = createDecipheriv('aes-256-gcm', derived(key, fresh), fresh.subarray(SALT), {
      authTagLength: TAG,
    })
    decipher.setAAD(associated(name, codec, context))
    decipher.setAuthTag(bytes.subarray(tagged, tagged + TAG))
    const body = decipher.update(bytes.subarray(tagged + TAG))
    try {
      decipher.final()
    } catch (cause) {
      throw unreadable('not what was encrypted for this key', cause)
    }
    return body
  }
  return Object.freeze({
    [LIBRARY_CODEC]: true,
    id,
    name: `${codec.name}+aes-256-gcm`,
    encode(value: unknown, context: CodecContext) {
      const bytes = codec.encode(value, context)
      return bytes instanceof Promise ? bytes.then((whole) => seal(whole, context)) : seal(bytes, context)
    },
    decode(bytes: Uint8Array, context: CodecContext) {
      return codec.decode(open(bytes, context), context)
    },
  })
}

function readKeys(given: EncryptionOptions['keys'] | undefined): ReadonlyMap<string, KeyObject> {
  if (typeof given !== 'object' || given === null)
    throw invalid(`keys: ${show(given)} is not an object of keys by id`)
  return new Map(
    Object.entries(given).map(([id, key]) => {
      if (!ID.test(id))
        throw invalid(`keys: ${show(id)} is no id; use 1 to 64 letters, digits or . _ - @ / +`)
      // Never shown: not even a part of it.
      const size = key instanceof Uint8Array ? key.byteLength : key?.symmetricKeySize
      if (size !== KEY) throw invalid(`keys: ${show(id)} is no key of ${KEY} bytes`)
      return [id, key instanceof Uint8Array ? createSecretKey(key) : key]
    }),
  )
}

function derived(key: KeyObject, fresh: Buffer): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, fresh.subarray(0, SALT), 'coherent-cache value', KEY))
}

/** What a ciphertext belongs to; two different places never give the same text. */
function associated(id: string, codec: Codec, { cache, family, version, key }: CodecContext): Buffer {
  return Buffer.from(JSON.stringify([FORMAT, id, codec.id, cache, family ?? null, version, key]))
}

function invalid(what: string): CacheError {
  return new CacheError('INVALID_OPTION', `encrypted: ${what}.`)
}

function unreadable(what: string, cause?: unknown): CacheError {
  return new CacheError('INVALID_VALUE', `A value that is ${what}.`, { cause })
}
