import { decodeText, encodeParameter, escapeFirst, LONGEST_KEY } from './encoding.ts'
import { CacheError, show } from './errors.ts'

/** One piece between colons: literal text, or a parameter between an optional prefix and suffix. */
export interface Segment {
  readonly prefix: string
  /** The parameter's name; undefined for literal text, which is then all in `prefix`. */
  readonly parameter: string | undefined
  readonly suffix: string
}

const LITERAL = /^[^\s*?[\]{}%|\\\p{Cc}\p{Cs}]*$/u
const NAME = /^(?!__proto__$)[A-Za-z_$][\w$]*$/

/**
 * A key template such as `report:{orgId}:{date}` or, with an optional tail, `metrics:{id}[:{from}[:{to}]]`,
 * compiled once. Builds keys from parameters and reads parameters back from keys.
 */
export class Template {
  readonly text: string
  readonly segments: readonly Segment[]
  /** How many leading segments every key has; the rest is the optional tail. */
  readonly required: number
  /** The parameters' names, in order. */
  readonly parameters: readonly string[]
  /** By segment: literals of other families that a parameter here must not be taken for. */
  readonly #reserved = new Map<number, Set<string>>()

  private constructor(text: string, segments: readonly Segment[], required: number) {
    this.text = text
    this.segments = segments
    this.required = required
    this.parameters = segments.flatMap((segment) => segment.parameter ?? [])
  }

  /** @throws CacheError `INVALID_KEY` naming the entry `what` and what is wrong with the template. */
  static parse(text: string, what: string): Template {
    const refuse = (problem: string): never => {
      throw new CacheError('INVALID_KEY', `${what}: the template ${show(text)} ${problem}.`)
    }
    if (typeof text !== 'string' || text === '') {
      return refuse("is not a template; write text such as 'report:daily:{orgId}:{date}'")
    }
    const opening = text.indexOf('[')
    const head = opening < 0 ? text : text.slice(0, opening)
    const tail = opening < 0 ? '' : text.slice(opening)
    const pieces = head.split(':')
    const required = pieces.length
    if (tail !== '') {
      const closing = /\]+$/.exec(tail)?.[0].length ?? 0
      const parts = tail
        .slice(0, tail.length - closing)
        .split('[')
        .slice(1)
      if (parts.length !== closing || parts.some((part) => !/^:\{[^{}:[\]]+\}$/.test(part))) {
        refuse("has an unreadable optional tail; write it as '[:{from}[:{to}]]' at the end")
      }
      pieces.push(...parts.map((part) => part.slice(1)))
    }
    const segments = pieces.map((piece) => segment(piece, refuse))
    const template = new Template(text, segments, required)
    if (new Set(template.parameters).size < template.parameters.length) refuse('names a parameter twice')
    return template
  }

  /**
   * The key for these parameters.
   *
   * @throws CacheError `INVALID_PARAMETER` or `KEY_TOO_LONG`, naming the family `what` and the parameter.
   */
  build(parameters: Readonly<Record<string, unknown>>, what: string): string {
    let key = ''
    let ended: string | undefined
    for (let index = 0; index < this.segments.length; index++) {
      const { prefix, parameter, suffix } = this.segments[index] as Segment
      const value = parameter === undefined ? undefined : ownValue(parameters, parameter)
      if (parameter !== undefined && index >= this.required && value === undefined) {
        ended ??= parameter
        continue
      }
      if (ended !== undefined) {
        throw new CacheError(
          'INVALID_PARAMETER',
          `${what}: ${parameter} is given but ${ended}, which stands before it in the optional tail, is not. Give both, or neither.`,
        )
      }
      if (index > 0) key += ':'
      key += parameter === undefined ? prefix : this.#piece(index, prefix, value, suffix, what)
    }
    if (key.length <= LONGEST_KEY) return key
    throw new CacheError(
      'KEY_TOO_LONG',
      `${what}: a key of ${key.length} characters; at most ${LONGEST_KEY} fit.`,
    )
  }

  #piece(index: number, prefix: string, value: unknown, suffix: string, what: string): string {
    const name = `${what}: parameter ${this.segments[index]?.parameter}`
    const piece = prefix + encodeParameter(value, name) + suffix
    // Only a parameter without prefix and suffix can be taken for another family's literal.
    return this.#reserved.get(index)?.has(piece) ? escapeFirst(piece) : piece
  }

  /** The parameters of a key of this template as text, or undefined for any other text. */
  parse(key: string): Record<string, string> | undefined {
    const pieces = key.split(':')
    if (pieces.length < this.required || pieces.length > this.segments.length) return undefined
    const found: Record<string, string> = {}
    for (let index = 0; index < pieces.length; index++) {
      const { prefix, parameter, suffix } = this.segments[index] as Segment
      const piece = pieces[index] as string
      if (parameter === undefined) {
        if (piece !== prefix) return undefined
        continue
      }
      if (piece.length <= prefix.length + suffix.length) return undefined
      if (!piece.startsWith(prefix) || !piece.endsWith(suffix)) return undefined
      found[parameter] = decodeText(piece.slice(prefix.length, piece.length - suffix.length))
    }
    // Only the one spelling that build() gives is a key of this family: another family may own any other.
    return this.#spells(found, key) ? found : undefined
  }

  /** The pattern of all its keys, for a map: parameters that every key has are captures, the optional tail is `*`. */
  get pattern(): string {
    const head = this.segments.slice(0, this.required).map(openSegment).join(':')
    return this.required < this.segments.length ? `${head}*` : head
  }

  /** Its keys as patterns without `*`, one for each length. */
  get texts(): readonly string[] {
    const pieces = this.segments.map(openSegment)
    return this.segments
      .slice(this.required - 1)
      .map((_, more) => pieces.slice(0, this.required + more).join(':'))
  }

  /**
   * The template with some of its parameters filled in: `metrics:{id}[:{from}[:{to}]]` with `{ id: 7 }` is
   * `metrics:7[:{from}[:{to}]]`. A key that has one parameter of the tail has those before it: with `{ from: 1 }` it is
   * `metrics:{id}:1[:{to}]`, and with `{ to: 2 }` `metrics:{id}:{from}:2`.
   *
   * @throws CacheError `INVALID_PARAMETER` or `KEY_TOO_LONG`, naming the family `what` and the parameter.
   */
  fill(parameters: Readonly<Record<string, unknown>>, what: string): string {
    const values = this.segments.map(({ parameter }) =>
      parameter === undefined ? undefined : ownValue(parameters, parameter),
    )
    let certain = this.segments.length
    while (certain > this.required && values[certain - 1] === undefined) certain--
    const pieces = this.segments.slice(0, certain).map((segment, index) => {
      const { prefix, suffix } = segment
      const value = values[index]
      return value === undefined ? openSegment(segment) : this.#piece(index, prefix, value, suffix, what)
    })
    const open = this.segments.slice(certain)
    return pieces.join(':') + open.map((one) => `[:${openSegment(one)}`).join('') + ']'.repeat(open.length)
  }

  /** The parameters for which {@link fill} gives this text, as text; undefined for any other. */
  filled(text: string): Readonly<Record<string, string>> | undefined {
    const opening = text.indexOf('[')
    const pieces = (opening < 0 ? text : text.slice(0, opening)).split(':')
    const found: Record<string, string> = {}
    for (const [index, { prefix, parameter, suffix }] of this.segments.slice(0, pieces.length).entries()) {
      if (parameter === undefined) continue
      const value = pieces[index]?.slice(prefix.length, -suffix.length || undefined) ?? ''
      if (value !== `{${parameter}}`) found[parameter] = decodeText(value)
    }
    try {
      return this.fill(found, this.text) === text ? found : undefined
    } catch {
      // A value too long for a key of this family.
      return undefined
    }
  }

  #spells(parameters: Readonly<Record<string, string>>, key: string): boolean {
    try {
      return this.build(parameters, this.text) === key
    } catch {
      // Too long for a key of this family, so it is none.
      return false
    }
  }

  /**
   * Makes this family and another one disjoint: where a parameter of one stands at a literal of the other, that
   * literal is escaped when it comes as a value.
   *
   * @returns false where that is not possible, because nothing but parameters would tell them apart.
   */
  separateFrom(other: Template): boolean {
    if (!this.meets(other)) return true
    for (let index = 0; index < this.#certain(other); index++) {
      if (this.#reserve(index, other) || other.#reserve(index, this)) return true
    }
    return false
  }

  /** Whether this family and another one could give the same key, as the two are now. */
  meets(other: Template): boolean {
    if (Math.min(this.segments.length, other.segments.length) < this.#certain(other)) return false
    for (let index = 0; index < this.#certain(other); index++) {
      if (cannotMeet(this.segments[index], other.segments[index])) return false
      if (this.#escapes(index, other) || other.#escapes(index, this)) return false
    }
    return true
  }

  /** How many segments every key that both could give has at least. */
  #certain(other: Template): number {
    return Math.max(this.required, other.required)
  }

  #escapes(index: number, other: Template): boolean {
    const theirs = other.segments[index]
    return theirs?.parameter === undefined && this.#reserved.get(index)?.has(theirs?.prefix ?? '') === true
  }

  #reserve(index: number, other: Template): boolean {
    const mine = this.segments[index]
    const theirs = other.segments[index]
    if (mine?.parameter === undefined || theirs?.parameter !== undefined) return false
    if (mine.prefix !== '' || mine.suffix !== '' || theirs === undefined) return false
    const literals = this.#reserved.get(index) ?? new Set()
    this.#reserved.set(index, literals.add(theirs.prefix))
    return true
  }
}

/** A parameter's value. What every object inherits (`constructor`, `toString`) is none. */
function ownValue(parameters: Readonly<Record<string, unknown>>, name: string): unknown {
  return name in Object.prototype && !Object.hasOwn(parameters, name) ? undefined : parameters[name]
}

/** A segment as it stands in the template. */
function openSegment({ prefix, parameter, suffix }: Segment): string {
  return parameter === undefined ? prefix : `${prefix}{${parameter}}${suffix}`
}

/** Whether no text fits both segments. */
function cannotMeet(one: Segment | undefined, other: Segment | undefined): boolean {
  if (one === undefined || other === undefined) return false
  if (one.parameter === undefined && other.parameter === undefined) return one.prefix !== other.prefix
  if (one.parameter === undefined) return !fits(one.prefix, other)
  if (other.parameter === undefined) return !fits(other.prefix, one)
  const prefixes = one.prefix.startsWith(other.prefix) || other.prefix.startsWith(one.prefix)
  const suffixes = one.suffix.endsWith(other.suffix) || other.suffix.endsWith(one.suffix)
  return !prefixes || !suffixes
}

function fits(literal: string, { prefix, suffix }: Segment): boolean {
  return (
    literal.startsWith(prefix) && literal.endsWith(suffix) && literal.length > prefix.length + suffix.length
  )
}

function segment(piece: string, refuse: (problem: string) => never): Segment {
  const match = /^([^{}]*)\{([^{}]*)\}([^{}]*)$/.exec(piece)
  const [prefix, parameter, suffix] = match ? [match[1], match[2], match[3]] : [piece, undefined, '']
  if (prefix === undefined || suffix === undefined) return refuse('is unreadable')
  if (!match && /[{}]/.test(piece)) {
    return refuse(
      `has the unreadable segment ${show(piece)}; a segment between colons holds at most one {parameter}`,
    )
  }
  if (parameter !== undefined && !NAME.test(parameter)) {
    return refuse(`has the parameter name ${show(parameter)}; a name is a JavaScript identifier`)
  }
  if (!LITERAL.test(prefix) || !LITERAL.test(suffix)) {
    return refuse(
      'has a character that keys do not use: white space, control characters, lone surrogates, * ? [ ] % | or \\',
    )
  }
  if (parameter === undefined && prefix === '') return refuse('has an empty segment')
  return { prefix, parameter, suffix }
}
