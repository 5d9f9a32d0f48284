import { redisStore } from 'coherent-cache/redis'
import { storeConformance } from 'coherent-cache/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import {
  age,
  type ClientName,
  clients,
  connectToCluster,
  keysUnder,
  type TestClient,
  unlinkUnder,
} from '../support/redis-clients.ts'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.ts'

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
}, 60_000)
afterAll(() => cluster?.stop())

const everyPrimary = async (step: (admin: TestClient) => Promise<void>) => {
  await Promise.all((await cluster.primaries()).map(({ admin }) => step(admin)))
}
/** The names of a partition lie in one slot; those of two need not. */
const everyPartition = async (
  namespace: string,
  step: (admin: TestClient, prefix: string) => Promise<void>,
) => {
  await everyPrimary(async (admin) => {
    const names = await keysUnder(admin, `cc:{${namespace}.`)
    const prefixes = new Set(names.map((name) => name.slice(0, name.indexOf('}') + 1)))
    for (const prefix of prefixes) await step(admin, prefix)
  })
}

for (const name of Object.keys(clients) as ClientName[]) {
  describe(`a Redis Cluster, ${name}`, () => {
    let client: ReturnType<typeof connectToCluster>
    beforeAll(() => {
      client = connectToCluster(cluster.ports, {}, name)
    })
    afterAll(() => client.disconnect())

    const cases = storeConformance(() => ({
      driver: redisStore({ client }),
      pass: (milliseconds, namespace) =>
        everyPartition(namespace, (admin, prefix) => age(admin, prefix, milliseconds)),
      evict: (namespace, stamp) =>
        everyPrimary(async (admin) => {
          const names = await keysUnder(admin, `cc:{${namespace}.`)
          for (const lost of names.filter((one) => one.endsWith(`}:s:${stamp}`)))
            await admin.call('UNLINK', lost)
        }),
      lose: (namespace) => everyPartition(namespace, unlinkUnder),
    }))
    for (const one of cases) test(one.name, one.run)
  })
}
