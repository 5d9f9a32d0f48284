import { type Cache, defineDependencies } from 'coherent-cache'
import { expect, test } from 'vitest'
import { openFleet } from '../support/caches.ts'

// A replica that lags brings back a value and its stamps as they were: they agree again. Who asks with a token does not
// take the word of a lease from before the failover for it.
const dependencies = defineDependencies({ tables: { t: ['row:*'] } })

test.each(['same process', 'another process'])(
  'read_withAToken_rightAfterAFailover_neverSeesWhatItHadReplaced: %s',
  async (who) => {
    const { fleet, store } = await openFleet(2, { dependencies, memory: { maxEntries: 1 } })
    const [writer, other] = fleet as [Cache, Cache]
    const reader = who === 'same process' ? writer : other
    let version = 0
    const read = (key = 'row:1', token?: string) =>
      reader.get<string, number>(key, () => version, token === undefined ? undefined : { token })
    await read()
    // So that memory holds it no longer, and the reader knows it to be in the store.
    await read('row:2')
    const promote = store.replica()
    version = 1
    // An ad-hoc pattern leaves the stamps as they are and takes the values out.
    const { token } = await writer.invalidate({ pattern: 'row:1*' })
    promote()
    expect(await read('row:1', token)).toBe(1)
  },
)
