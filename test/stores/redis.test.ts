import { redisStore } from 'coherent-cache/redis'
import { storeConformance } from 'coherent-cache/testing'
import { afterAll, describe, inject, test } from 'vitest'
import { age, type ClientName, clients, connectTo, keysUnder, unlinkUnder } from '../support/redis-clients.ts'

const names = Object.keys(clients) as ClientName[]

for (const name of names) {
  for (const partitions of [1, 16]) {
    describe(`${name}, ${partitions} ${partitions === 1 ? 'partition' : 'partitions'}`, () => {
      const client = connectTo(inject('redisPort'), {}, name)
      afterAll(() => client.disconnect())
      const keysOf = (namespace: string) => `cc:{${namespace}.`

      const cases = storeConformance(() => ({
        driver: redisStore({ client, partitions }),
        pass: (milliseconds, namespace) => age(client, keysOf(namespace), milliseconds),
        async evict(namespace, stamp) {
          const keys = await keysUnder(client, keysOf(namespace))
          const lost = keys.filter((key) => key.endsWith(`}:s:${stamp}`))
          if (lost.length > 0) await client.call('UNLINK', ...lost)
        },
        lose: (namespace) => unlinkUnder(client, keysOf(namespace)),
      }))
      for (const one of cases) test(one.name, one.run)
    })
  }
}
