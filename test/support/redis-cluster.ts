import { type RedisServer, startRedis } from './redis.ts'
import { connectTo, type TestClient } from './redis-clients.ts'
import { onFreePort } from './server-process.ts'
import { until } from './until.ts'

/** Short enough for a failover within seconds, long enough for a machine that is busy. */
const NODE_TIMEOUT_MS = 1_500
const SLOTS = 16_384

/** One node of a cluster of the test's own. */
export interface ClusterServer {
  readonly server: RedisServer
  readonly port: number
  readonly id: string
  /** A plain connection to it, for the test itself. */
  readonly admin: TestClient
}

/** A move that has begun: the slot is marked on both sides. */
export interface Move {
  /** Moves one name. */
  key(name: string): Promise<void>
  /** Moves up to so many names. @returns how many there were */
  keys(count?: number): Promise<number>
  /** Moves what is left, and gives the slot away. */
  end(): Promise<void>
  /** Leaves the slot where it was, and moves everything back. What is done there in between is lost. */
  undo(): Promise<void>
}

/** What a node of a cluster says of one of them. */
interface Described {
  readonly id: string
  readonly isPrimary: boolean
  readonly failed: boolean
  readonly primary: string
  readonly ranges: readonly (readonly [from: number, to: number])[]
}

/** A real Redis Cluster on 127.0.0.1: three primaries with a replica each. */
export interface RedisCluster {
  readonly nodes: readonly ClusterServer[]
  readonly ports: readonly number[]
  /** The nodes that serve slots now, as the one that runs longest sees it. */
  primaries(): Promise<readonly ClusterServer[]>
  /** The primary of a slot. */
  primaryOf(slot: number): Promise<ClusterServer>
  replicaOf(primary: ClusterServer): Promise<ClusterServer>
  /** The slot that a name lies in. */
  slotOf(name: string): Promise<number>
  /** Promotes a replica with `CLUSTER FAILOVER`, and resolves when every node knows. */
  failOver(replica: ClusterServer): Promise<void>
  /** Kills a primary, and resolves when another node serves its slots. */
  crash(primary: ClusterServer): Promise<void>
  /** Freezes a primary, and resolves when another node serves its slots. */
  freeze(primary: ClusterServer): Promise<void>
  /** Lets a frozen node go on, and resolves when it follows its successor. */
  thaw(node: ClusterServer): Promise<void>
  /** Starts a killed node again, and resolves when it has joined. */
  restart(node: ClusterServer): Promise<void>
  /** Moves a slot: marks it on both sides, moves key after key, and gives it to the other node. */
  move(slot: number, to: ClusterServer, between?: (moved: number) => Promise<void>): Promise<void>
  /** Begins a move. @returns its other steps */
  beginMove(slot: number, to: ClusterServer): Promise<Move>
  stop(): Promise<void>
}

/** Starts a cluster and resolves once it serves every slot and its replicas have caught up. */
export async function startRedisCluster(config: Record<string, string> = {}): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: 6 }, () => startNode(config)))
  const [first] = nodes as [ClusterServer]
  const alive = new Set(nodes)
  const anyone = () => [...alive][0] as ClusterServer

  const known = async (of = anyone()): Promise<Described[]> =>
    String(await of.admin.call('CLUSTER', 'NODES'))
      .trim()
      .split('\n')
      .map(described)
  const nodeOf = (id: string) => nodes.find((node) => node.id === id) as ClusterServer
  const everyoneKnows = (what: string, holds: (nodes: Described[]) => boolean) =>
    until(
      async () => {
        for (const node of alive) if (!holds(await known(node).catch(() => []))) return false
        return true
      },
      what,
      20_000,
    )
  const servedBy = (all: readonly Described[], slot: number) =>
    all.find(({ isPrimary, ranges }) => isPrimary && ranges.some(([from, to]) => from <= slot && slot <= to))

  for (const [at, node] of nodes.entries()) {
    await node.admin.call('CLUSTER', 'SET-CONFIG-EPOCH', at + 1)
    if (at < 3) {
      const share = (part: number) => Math.round((part * SLOTS) / 3)
      await node.admin.call('CLUSTER', 'ADDSLOTSRANGE', share(at), share(at + 1) - 1)
    }
    if (node !== first) await first.admin.call('CLUSTER', 'MEET', '127.0.0.1', node.port, await busOf(node))
  }
  await everyoneKnows('six nodes that know each other', (all) => all.length === 6)
  for (const [at, node] of nodes.slice(3).entries()) {
    await node.admin.call('CLUSTER', 'REPLICATE', (nodes[at] as ClusterServer).id)
  }
  await everyoneKnows(
    'three primaries and three replicas',
    (all) => all.filter(({ isPrimary }) => !isPrimary).length === 3,
  )
  for (const node of nodes) await joined(node)

  const lose = async (primary: ClusterServer, by: 'SIGKILL' | 'SIGSTOP') => {
    const slot = (await known()).find(({ id }) => id === primary.id)?.ranges[0]?.[0] as number
    alive.delete(primary)
    await primary.server.kill(by)
    await everyoneKnows('another primary', (all) => {
      const owner = servedBy(all, slot)
      return owner !== undefined && owner.id !== primary.id
    })
    await until(
      async () => String(await anyone().admin.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
      'a cluster that serves',
    )
  }

  const cluster: RedisCluster = {
    nodes,
    ports: nodes.map(({ port }) => port),
    async primaries() {
      return (await known())
        .filter(({ isPrimary, failed, ranges }) => isPrimary && !failed && ranges.length > 0)
        .map(({ id }) => nodeOf(id))
    },
    async primaryOf(slot) {
      const owner = servedBy(await known(), slot)
      if (owner === undefined) throw new Error(`Nobody serves the slot ${slot}.`)
      return nodeOf(owner.id)
    },
    async replicaOf({ id }) {
      const replica = (await known()).find(({ primary, failed }) => primary === id && !failed)
      if (replica === undefined) throw new Error('The primary has no replica.')
      return nodeOf(replica.id)
    },
    slotOf: async (name) => Number(await anyone().admin.call('CLUSTER', 'KEYSLOT', name)),
    async failOver(replica) {
      await replica.admin.call('CLUSTER', 'FAILOVER')
      await everyoneKnows(
        'the promoted replica',
        (all) => all.find(({ id }) => id === replica.id)?.isPrimary === true,
      )
    },
    crash: (primary) => lose(primary, 'SIGKILL'),
    freeze: (primary) => lose(primary, 'SIGSTOP'),
    async thaw(node) {
      await node.server.kill('SIGCONT')
      alive.add(node)
      await joined(node)
    },
    async restart(node) {
      await node.server.restart()
      alive.add(node)
      await until(() => node.admin.call('PING').catch(() => false), 'the node to answer')
      await joined(node)
    },
    async move(slot, to, between) {
      const moving = await cluster.beginMove(slot, to)
      let moved = 0
      for (let keys = await moving.keys(1); keys > 0; keys = await moving.keys(1)) {
        moved += keys
        await between?.(moved)
      }
      await moving.end()
    },
    async beginMove(slot, to) {
      const from = await cluster.primaryOf(slot)
      await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id)
      await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id)
      const migrate = (names: readonly string[], here = from, there = to) =>
        here.admin.call('MIGRATE', '127.0.0.1', there.port, '', 0, 5_000, 'REPLACE', 'KEYS', ...names)
      const keys = async (count = 1_000, here = from, there = to) => {
        const names = (await here.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, count)) as string[]
        if (names.length > 0) await migrate(names, here, there)
        return names.length
      }
      return {
        key: async (name) => void (await migrate([name])),
        keys: (count) => keys(count),
        async end() {
          while ((await keys()) > 0);
          await to.admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
          await from.admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id)
          await everyoneKnows('the slot at its new server', (all) => servedBy(all, slot)?.id === to.id)
        },
        async undo() {
          await from.admin.call('CLUSTER', 'SETSLOT', slot, 'STABLE')
          while ((await keys(1_000, to, from)) > 0);
          await to.admin.call('CLUSTER', 'SETSLOT', slot, 'STABLE')
        },
      }
    },
    async stop() {
      for (const { admin } of nodes) admin.disconnect()
      await Promise.all(nodes.map(({ server }) => server.stop()))
    },
  }
  return cluster
}

async function startNode(config: Record<string, string>): Promise<ClusterServer> {
  const bus = await onFreePort(undefined, async (port) => port)
  const server = await startRedis({
    config: {
      'cluster-enabled': 'yes',
      'cluster-port': String(bus),
      'cluster-node-timeout': String(NODE_TIMEOUT_MS),
      'cluster-replica-validity-factor': '0',
      'repl-diskless-sync-delay': '0',
      ...config,
    },
  })
  const admin = connectTo(server.port)
  return { server, port: server.port, admin, id: String(await admin.call('CLUSTER', 'MYID')) }
}

async function busOf(node: ClusterServer): Promise<string> {
  const [, port] = (await node.admin.call('CONFIG', 'GET', 'cluster-port')) as [string, string]
  return port
}

/** Resolves when a node serves, or follows its primary. */
async function joined({ admin }: ClusterServer): Promise<void> {
  await until(
    async () => {
      const info = String(await admin.call('INFO', 'replication').catch(() => ''))
      const state = String(await admin.call('CLUSTER', 'INFO').catch(() => ''))
      return state.includes('cluster_state:ok') && !info.includes('master_link_status:down')
    },
    'a node that has joined',
    20_000,
  )
}

function described(line: string): Described {
  const [id = '', , flags = '', primary = '', , , , , ...slots] = line.split(' ')
  const ranges = slots
    .filter((range) => /^\d/.test(range))
    .map((range) => {
      const [from, to = from] = range.split('-').map(Number) as [number, number?]
      return [from, to as number] as const
    })
  return { id, isPrimary: flags.includes('master'), failed: /\bfail\b/.test(flags), primary, ranges }
}
