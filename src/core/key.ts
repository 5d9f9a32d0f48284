import { type Codec, checkCodec } from './codec.ts'
import type { Parameter } from './encoding.ts'
import { CacheError, show } from './errors.ts'
import { checkChoice, checkCount, checkOptions, type LoadOptions, readLoads } from './options.ts'
import { POLICY_OPTIONS, type Policy, type PolicyOptions, readPolicy } from './policy.ts'
import { isStandardSchema, type StandardSchema, type TypeOnly } from './standard-schema.ts'
import { Template } from './template.ts'

declare const VALUE: unique symbol

/** A cache key: a string at run time; to the compiler it also knows the type of its value. */
export type Key<Value = unknown> = string & { readonly [VALUE]: Value }

/** What a read of key `K` gives: the family's value type, or what the loader returns where the family has none. */
export type Loaded<K, L> = K extends { readonly [VALUE]: infer Value } ? Value : L

type CapturesOf<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | CapturesOf<Rest>
  : never
type Head<Text extends string> = Text extends `${infer Required}[${string}` ? Required : Text
type Tail<Text extends string> = Text extends `${string}[${infer Optional}` ? Optional : ''
type Simplify<T> = { [K in keyof T]: T[K] } & {}

/** The parameters that a key template takes, its optional tail optional. */
export type ParametersOf<Text extends string> = Simplify<
  { readonly [Name in CapturesOf<Head<Text>>]: Parameter } & {
    readonly [Name in CapturesOf<Tail<Text>>]?: Parameter | undefined
  }
>

/** How `coherence` can be set: `'on'`, or `'off'` for plain lifetimes without stamps. */
export type Coherence = 'on' | 'off'

/**
 * A key family, declared in full. An option that is `undefined` is not given; how its values live is then as the cache
 * says.
 */
export interface FamilyDefinition<Text extends string = string, Value = unknown> extends PolicyOptions {
  /** The template, such as `'report:daily:{orgId}:{date}'`. */
  readonly key: Text
  /** The type of the values: `type<Report>()`, or a Standard Schema, which also validates what comes from a store. */
  readonly value?: TypeOnly<Value> | StandardSchema<Value> | undefined
  /** The version of the values' shape. Values stored under another version are not read. @default 1 */
  readonly version?: number | undefined
  /**
   * The most entries of this family in memory, least recently used out first, in a room of their own beside
   * `memory.maxEntries`: they displace no others, and no others displace them. @default shares the room of the others
   */
  readonly maxEntries?: number | undefined
  /** The most bytes of one entry, over the cache's own `maxEntryBytes`. @default the cache's */
  readonly maxEntryBytes?: number | undefined
  /** Turns the family's values into bytes for the store. @default the cache's `codec` */
  readonly codec?: Codec | undefined
  /** `'off'` leaves this family to plain lifetimes. Changeable with `cache.setCoherence`. @default 'on' */
  readonly coherence?: Coherence | undefined
  /** A limit on the loads of this family that run at once, besides the cache's own. @default none */
  readonly loads?: LoadOptions | undefined
}

type AnyDefinition = string | FamilyDefinition

type TextOf<D> = D extends string ? D : D extends { readonly key: infer Text extends string } ? Text : never
type KeyDefined<D> = D extends { readonly value: TypeOnly<infer Value> | StandardSchema<infer Value> }
  ? Key<Value>
  : string

/** Builds the keys of one family. Call it with the parameters. */
export interface KeyFamily<
  Params = Readonly<Record<string, Parameter | undefined>>,
  K extends string = string,
> {
  /** @throws CacheError `INVALID_PARAMETER` or `KEY_TOO_LONG`, naming family and parameter. */
  (...args: Record<never, never> extends Params ? [params?: Params] : [params: Params]): K
  /** The parameters of a key of this family, as text; undefined for any other text. */
  parse(key: string): { [Name in keyof Params]: string } | undefined
  /**
   * The pattern of this family's keys with these parameters, for `cache.invalidate({ pattern })`: the template with
   * what is given filled in, escaped as in keys. What is not given stands for any one value and an open tail for each
   * of its lengths, so that landlord 1's keys are never landlord 10's. A cache without this family refuses it.
   *
   * Where a table of the map has this family or its pattern, and the first parameters are the ones given, one stamp is
   * rotated, however many keys are cached. Otherwise the keys are swept for, one by one.
   *
   * @throws CacheError `INVALID_PARAMETER` or `KEY_TOO_LONG`, naming family and parameter.
   *
   * @example
   * ```ts
   * import { createCache, defineKeys } from 'coherent-cache'
   *
   * const keys = defineKeys({ report: 'report:{orgId}:{date}', payments: 'payments:{landlordId}[:{from}[:{to}]]' })
   * const cache = createCache({ name: 'shop', keys })
   * keys.report.pattern({ orgId: 7 }) // 'report:7:{date}'
   * keys.payments.pattern({ landlordId: 1 }) // 'payments:1[:{from}[:{to}]]'
   * keys.payments.pattern({ to: 2026 }) // 'payments:{landlordId}:{from}:2026'
   * await cache.invalidate({ pattern: keys.report.pattern({ date: '2026-11-20' }) })
   * ```
   */
  pattern(params?: { readonly [Name in keyof Params]?: Params[Name] | undefined }): string
  /** The family's name in `defineKeys`. */
  readonly family: string
  /** Its template, as written. */
  readonly template: string
}

/** Any key family. */
// biome-ignore lint/suspicious/noExplicitAny: of any parameters and any keys
export type AnyFamily = KeyFamily<any, any>

/** A parameters object of a key family. */
export type ParamsOf<F> = F extends (...args: infer Args) => string ? NonNullable<Args[0]> : never

/** The parameters of a key of a family, as text. */
export type TextsOf<F extends AnyFamily> = Readonly<NonNullable<ReturnType<F['parse']>>>

/** The key of a key family. */
export type KeyOf<F> = F extends (...args: never[]) => infer K ? K : never

/** What `defineKeys` gives for its definitions. */
export type Families<D extends Readonly<Record<string, AnyDefinition>>> = {
  readonly [Name in keyof D]: KeyFamily<ParametersOf<TextOf<D[Name]>>, KeyDefined<D[Name]>>
}

/** Everything the library knows of a family, beside its face {@link KeyFamily}. */
export interface CompiledFamily {
  readonly name: string
  readonly template: Template
  readonly policy: Policy
  readonly version: number
  readonly coherence: Coherence
  readonly schema: StandardSchema | undefined
  readonly codec: Codec | undefined
  readonly maxEntries: number | undefined
  readonly maxEntryBytes: number | undefined
  readonly loads: { readonly concurrency: number; readonly queue: number } | undefined
}

const COMPILED = Symbol.for('coherent-cache.family')

/**
 * Declares the key families of an application. Types of parameters come from the templates; the encoding is
 * injective: no parameter value can produce the key of another family or of other parameters.
 *
 * Template syntax: text between colons is literal; `{name}` is a parameter, one per segment; `[:{from}[:{to}]]` at
 * the end is an optional tail.
 *
 * @throws CacheError `INVALID_KEY`, `INVALID_OPTION` or `INVALID_DURATION`, naming the entry: an unreadable
 *   template, two families whose keys could be the same, a lifetime by a parameter the template has not.
 *
 * @example
 * ```ts
 * import { byAge, defineKeys, type } from 'coherent-cache'
 *
 * const keys = defineKeys({
 *   report: {
 *     key: 'report:{orgId}:{date}',
 *     value: type<{ revenue: number }>(),
 *     ttl: byAge('date', { timeZone: 'Asia/Kolkata', tiers: { 0: '5s', 1: '10s' }, beyond: '15m' }),
 *   },
 *   payments: 'payments:{landlordId}[:{from}[:{to}]]',
 * })
 * keys.report({ orgId: 7, date: '2026-11-20' }) // 'report:7:2026-11-20'
 * keys.payments({ landlordId: 1 }) // 'payments:1'
 * ```
 */
export function defineKeys<const D extends Readonly<Record<string, AnyDefinition>>>(
  definitions: D,
): Families<D> {
  if (typeof definitions !== 'object' || definitions === null) {
    throw new CacheError('INVALID_KEY', `defineKeys: ${show(definitions)} is not an object of key families.`)
  }
  const compiled = Object.entries(definitions).map(([name, definition]) => compile(name, definition))
  for (const [at, one] of compiled.entries()) {
    for (const other of compiled.slice(0, at)) {
      if (one.template.separateFrom(other.template)) continue
      throw new CacheError(
        'INVALID_KEY',
        `defineKeys: ${one.name} (${show(one.template.text)}) and ${other.name} (${show(other.template.text)}) can give the same key. Give one of them a literal segment of its own, such as '${one.name}:…'.`,
      )
    }
  }
  return Object.freeze(
    Object.fromEntries(compiled.map((family) => [family.name, face(family)])),
  ) as unknown as Families<D>
}

/** The compiled form behind a family's face; undefined for anything else. */
export function compiledFamily(family: unknown): CompiledFamily | undefined {
  if (typeof family !== 'function') return undefined
  return (family as { [COMPILED]?: CompiledFamily })[COMPILED]
}

const OPTIONS = [
  'key',
  'value',
  ...POLICY_OPTIONS,
  'version',
  'codec',
  'maxEntries',
  'maxEntryBytes',
  'coherence',
  'loads',
]

function compile(name: string, definition: AnyDefinition): CompiledFamily {
  const what = `defineKeys: ${name}`
  const full: FamilyDefinition = typeof definition === 'string' ? { key: definition } : definition
  checkOptions(full, OPTIONS, what)
  if (full === undefined || full.key === undefined) {
    throw new CacheError(
      'INVALID_KEY',
      `${what}: has no template; write '${name}:{id}' or { key: '${name}:{id}' }.`,
    )
  }
  const template = Template.parse(full.key, what)
  const policy = readPolicy(full, `${what}.`)
  checkParameters(policy, template, what)
  if (
    full.value !== undefined &&
    !isStandardSchema(full.value) &&
    !(full.value as TypeOnly<unknown>).typeOnly
  ) {
    throw new CacheError(
      'INVALID_OPTION',
      `${what}.value: ${show(full.value)} is neither type<T>() nor a Standard Schema.`,
    )
  }
  return {
    name,
    template,
    policy,
    version: full.version === undefined ? 1 : checkCount(full.version, 1, `${what}.version`),
    coherence: checkChoice(full.coherence ?? 'on', ['on', 'off'], `${what}.coherence`),
    schema: isStandardSchema(full.value) ? full.value : undefined,
    maxEntries:
      full.maxEntries === undefined ? undefined : checkCount(full.maxEntries, 1, `${what}.maxEntries`),
    maxEntryBytes:
      full.maxEntryBytes === undefined
        ? undefined
        : checkCount(full.maxEntryBytes, 1, `${what}.maxEntryBytes`),
    codec: full.codec === undefined ? undefined : checkCodec(full.codec, `${what}.codec`),
    loads: readLoads(full.loads, `${what}.loads`),
  }
}

/**
 * Refuses lifetimes by a parameter that keys of the template have not.
 *
 * @throws CacheError `INVALID_KEY`
 */
export function checkParameters({ ttl, negativeTtl }: Policy, template: Template, what: string): void {
  for (const parameter of [...(ttl?.parameters ?? []), ...(negativeTtl?.parameters ?? [])]) {
    if (template.parameters.includes(parameter)) continue
    throw new CacheError(
      'INVALID_KEY',
      `${what}: its lifetime goes by {${parameter}}, which the template ${show(template.text)} has not.`,
    )
  }
}

const NO_PARAMETERS: Readonly<Record<string, unknown>> = Object.freeze({})

function face(family: CompiledFamily): KeyFamily {
  const check = (params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
    if (typeof params !== 'object' || params === null) {
      throw new CacheError(
        'INVALID_PARAMETER',
        `${family.name}: ${show(params)} is not an object of parameters (${family.template.parameters.join(', ')}).`,
      )
    }
    for (const name in params) {
      if (family.template.parameters.includes(name)) continue
      throw new CacheError(
        'INVALID_PARAMETER',
        `${family.name}: there is no parameter ${show(name)} in ${show(family.template.text)}.`,
      )
    }
    return params
  }
  const build = (params: Readonly<Record<string, unknown>> = NO_PARAMETERS): string =>
    family.template.build(check(params), family.name)
  return Object.freeze(
    Object.assign(build, {
      parse: (key: string) => (typeof key === 'string' ? family.template.parse(key) : undefined),
      pattern: (params: Readonly<Record<string, unknown>> = NO_PARAMETERS) =>
        family.template.fill(check(params), family.name),
      family: family.name,
      template: family.template.text,
      [COMPILED]: family,
    }),
  )
}
