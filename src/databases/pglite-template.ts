/** A query as text and parameters. */
export interface WrittenQuery {
  readonly text: string
  readonly parameters: unknown[]
}

/** What PGlite's template helpers give: `identifier` and `raw` a part, `sql` a container. */
type Nested =
  | { readonly _templateType: 'part'; readonly str: string }
  | {
      readonly _templateType: 'container'
      readonly strings: readonly string[]
      readonly values: readonly unknown[]
    }

/** Writes a tagged template as PGlite does, so that its text is known before it is sent. */
export function writeTemplate(strings: readonly string[], values: readonly unknown[]): WrittenQuery {
  const parameters: unknown[] = []
  const parameter = (value: unknown) => `$${parameters.push(value)}`
  const write = (value: unknown): string => {
    if (!isNested(value)) return parameter(value)
    if (value._templateType === 'part') return value.str
    return value.strings
      .map((text, at) => (at === 0 ? text : parameter(value.values[at - 1]) + text))
      .join('')
  }
  const text = strings.map((piece, at) => (at === 0 ? piece : write(values[at - 1]) + piece)).join('')
  return { text, parameters }
}

function isNested(value: unknown): value is Nested {
  return (
    typeof value === 'object' &&
    value !== null &&
    '_templateType' in value &&
    (value._templateType === 'part' || value._templateType === 'container')
  )
}
