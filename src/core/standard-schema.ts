/**
 * The part of the Standard Schema interface (https://standardschema.dev) that is used here. Zod, Valibot, ArkType
 * and others implement it.
 */
export interface StandardSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined
  }
}

/** What a Standard Schema answers. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] }

declare const OUTPUT: unique symbol

/** A value type known to the compiler alone; nothing is checked at run time. Made by {@link type}. */
export interface TypeOnly<Value> {
  readonly typeOnly: true
  readonly [OUTPUT]?: Value
}

/**
 * Declares the type of a key family's values without checking them at run time.
 *
 * @example
 * ```ts
 * import { defineKeys, type } from 'coherent-cache'
 *
 * const keys = defineKeys({ user: { key: 'user:{id}', value: type<{ name: string }>() } })
 * ```
 */
export function type<Value>(): TypeOnly<Value> {
  return { typeOnly: true }
}

/** Whether a value implements Standard Schema. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard = (value as { '~standard'?: { validate?: unknown } })['~standard']
  return typeof standard?.validate === 'function'
}
