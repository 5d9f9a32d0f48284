import type { Cache } from 'coherent-cache'

/**
 * Ranks tables by the reads that had to load because one of their writes had made a value void: what to look at where
 * there are too many invalidations. It asks the store about each such read, so switch it on to look, and off again.
 */
export function rankTables(cache: Cache) {
  const reads = new Map<string, number>()
  const asking = new Set<Promise<void>>()
  const stop = cache.on('miss', ({ key, reason }) => {
    if (reason !== 'invalidated') return
    const asked = cache.explain(key).then(({ dependsOn, invalidatedBy }) => {
      // Of all that the transaction wrote, what this key hangs on.
      const hangsOn = dependsOn.flatMap(({ tables }) => tables)
      for (const table of invalidatedBy?.cause?.tables ?? [])
        if (hangsOn.includes(table)) reads.set(table, (reads.get(table) ?? 0) + 1)
    })
    asking.add(asked)
    void asked.finally(() => asking.delete(asked))
  })
  return {
    stop,
    async result(): Promise<Readonly<Record<string, number>>> {
      await Promise.all(asking)
      return Object.fromEntries([...reads].sort(([, one], [, other]) => other - one))
    },
  }
}
