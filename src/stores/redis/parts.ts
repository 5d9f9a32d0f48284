/** How many names one script touches at most: it must not keep the server for a millisecond. */
const MOST_NAMES = 1_000

/** The items in parts of which each has a bounded number of names, in order; no part is empty. */
export function cutUp<T>(items: readonly T[], namesIn: (item: T) => number): readonly (readonly T[])[] {
  const parts: T[][] = []
  let names = MOST_NAMES
  for (const item of items) {
    names += namesIn(item)
    if (names > MOST_NAMES) {
      parts.push([])
      names = namesIn(item)
    }
    parts.at(-1)?.push(item)
  }
  return parts
}

/** Asks for items in parts: each of one partition, with not too many names. @returns the answers, in the items' order */
export function inParts<T, A>(
  items: readonly T[],
  partitionOf: (item: T) => number,
  namesIn: (item: T) => number,
  ask: (partition: number, asked: readonly T[]) => Promise<readonly A[]>,
): Promise<readonly A[]> {
  const only = onlyPart(items, partitionOf, namesIn)
  if (only !== undefined) return ask(only, items)
  return inSeveralParts(items, partitionOf, namesIn, ask)
}

/** The partition of all items, where they make one part; undefined otherwise. */
function onlyPart<T>(
  items: readonly T[],
  partitionOf: (item: T) => number,
  namesIn: (item: T) => number,
): number | undefined {
  let only: number | undefined
  let names = 0
  for (const item of items) {
    const partition = partitionOf(item)
    names += namesIn(item)
    if (partition !== (only ?? partition) || names > MOST_NAMES) return undefined
    only = partition
  }
  return only
}

async function inSeveralParts<T, A>(
  items: readonly T[],
  partitionOf: (item: T) => number,
  namesIn: (item: T) => number,
  ask: (partition: number, asked: readonly T[]) => Promise<readonly A[]>,
): Promise<readonly A[]> {
  const groups = new Map<number, number[]>()
  for (const [at, item] of items.entries()) {
    const partition = partitionOf(item)
    const group = groups.get(partition)
    if (group === undefined) groups.set(partition, [at])
    else group.push(at)
  }
  const parts = [...groups].flatMap(([partition, all]) =>
    cutUp(all, (index) => namesIn(items[index] as T)).map((at) => ({ partition, at })),
  )
  const answers: A[] = []
  await Promise.all(
    parts.map(async ({ partition, at }) => {
      const asked = at.map((index) => items[index] as T)
      const found = await ask(partition, asked)
      for (const [order, index] of at.entries()) answers[index] = found[order] as A
    }),
  )
  return answers
}
