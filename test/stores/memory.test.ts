import { manualClock, memoryStore, storeConformance } from 'coherent-cache/testing'
import { test } from 'vitest'

const cases = storeConformance(() => {
  const clock = manualClock()
  const driver = memoryStore({ clock })
  return {
    driver,
    clock,
    pass: (milliseconds) => clock.advance(milliseconds),
    evict: (namespace, stamp) => driver.evictStamp(namespace, stamp),
    lose: () => driver.flush(),
  }
})

for (const { name, run } of cases) test(name, run)
