import { CacheError, show } from './errors.ts'

/** What a key parameter may be. A number must be finite. `7`, `7n` and `'7'` write the same key. */
export type Parameter = string | number | bigint | boolean

/** The longest a parameter may be once encoded, in characters. */
export const LONGEST_PARAMETER = 512
/** The longest a whole key may be, in characters. */
export const LONGEST_KEY = 1_024

const PLAIN = /^[A-Za-z0-9_.~@+=,/-]+$/
const NOT_PLAIN = /[^A-Za-z0-9_.~@+=,/-]/gu
const EMPTY = '%_'

/**
 * One parameter as it stands in a key. Injective: two different texts never give the same encoding, whatever they
 * hold, and an encoding never contains `:`, `*`, `{`, `}`, `[`, `]`, `|` or white space. Everything outside
 * `A-Z a-z 0-9 _ . ~ @ + = , / -` is percent-encoded as UTF-8; a lone surrogate, which UTF-8 cannot hold, as
 * `%uXXXX`; the empty text as `%_`.
 *
 * @throws CacheError `INVALID_PARAMETER` for null, undefined, NaN, infinities, objects, symbols and functions;
 *   `KEY_TOO_LONG` past 512 encoded characters. `what` names the parameter in the message.
 */
export function encodeParameter(value: unknown, what: string): string {
  const text = parameterText(value)
  if (text === undefined) {
    throw new CacheError(
      'INVALID_PARAMETER',
      `${what}: ${show(value)} cannot stand in a key. Pass a string, a finite number, a bigint or a boolean; turn a Date into text yourself, and an object into digest(object).`,
    )
  }
  const encoded = encodeText(text)
  if (encoded.length <= LONGEST_PARAMETER) return encoded
  throw new CacheError(
    'KEY_TOO_LONG',
    `${what}: ${encoded.length} characters once encoded; at most ${LONGEST_PARAMETER} fit a key. Pass digest(value) instead.`,
  )
}

/** The text of a value that may be a parameter, or undefined for one that may not. */
export function parameterText(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      // -0 and 0 are one number to every database.
      return Number.isFinite(value) ? String(value === 0 ? 0 : value) : undefined
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      return undefined
  }
}

/** {@link encodeParameter} for a text already known to be one. */
export function encodeText(text: string): string {
  if (PLAIN.test(text)) return text
  return text === '' ? EMPTY : text.replace(NOT_PLAIN, percent)
}

/** Writes the first character as an escape, so that the result equals no literal of a template. */
export function escapeFirst(encoded: string): string {
  return encoded.startsWith('%') ? encoded : `%${hex(encoded.charCodeAt(0), 2)}${encoded.slice(1)}`
}

function percent(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code >= 0xd800 && code <= 0xdfff) return `%u${hex(code, 4)}`
  let encoded = ''
  for (const byte of Buffer.from(character, 'utf8')) encoded += `%${hex(byte, 2)}`
  return encoded
}

function hex(code: number, width: number): string {
  return code.toString(16).toUpperCase().padStart(width, '0')
}

const ESCAPES = /%u([0-9A-Fa-f]{4})|((?:%[0-9A-Fa-f]{2})+)/g

/** The text that {@link encodeText} was given. Anything that is no escape is kept as it is. */
export function decodeText(encoded: string): string {
  if (!encoded.includes('%')) return encoded
  if (encoded === EMPTY) return ''
  return encoded.replace(ESCAPES, (_, surrogate: string | undefined, bytes: string | undefined) =>
    surrogate === undefined
      ? Buffer.from((bytes ?? '').replaceAll('%', ''), 'hex').toString('utf8')
      : String.fromCharCode(Number.parseInt(surrogate, 16)),
  )
}

/** One spelling for every encoding of the same text, so that stamps agree however a key escaped it. */
export function canonical(encoded: string): string {
  return encoded.includes('%') ? encodeText(decodeText(encoded)) : encoded
}
