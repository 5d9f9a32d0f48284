/** How many names one script touches at most: it must not keep the server for a millisecond. */
const MOST_NAMES = 1_000

/** The items in parts of which each has a bounded number of names, in order; no part is empty. */
export function inParts<T>(items: readonly T[], namesOf: (item: T) => number): readonly (readonly T[])[] {
  const parts: T[][] = []
  let names = MOST_NAMES
  for (const item of items) {
    names += namesOf(item)
    if (names > MOST_NAMES) {
      parts.push([])
      names = namesOf(item)
    }
    parts.at(-1)?.push(item)
  }
  return parts
}
