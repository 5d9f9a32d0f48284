import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answers, findRedisServer, type RedisServer, startRedis } from './redis.ts'
import { connectTo, type TestClient } from './redis-clients.ts'
import { onFreePort, ServerProcess } from './server-process.ts'
import { startProxy, type TcpProxy } from './tcp-proxy.ts'
import { until } from './until.ts'

const NAME = 'primary'
const SENTINELS = 3
const PATIENCE_MS = 90_000
/** How soon Sentinels talk, in milliseconds; their own times are made for networks. Redis 7 and newer. */
const HASTE = ['ping-period', '100', 'ask-period', '100', 'info-period', '200', 'publish-period', '200']

/** One Redis of the arrangement. Everybody else, its replicas and the Sentinels included, reaches it through its proxy. */
export interface SentinelNode {
  readonly redis: RedisServer
  readonly proxy: TcpProxy
  /** Straight to the server. */
  readonly admin: TestClient
}

/** A primary, its replicas, and three Sentinels that agree on which is which. */
export interface SentinelTopology {
  /** By which clients ask for the primary. */
  readonly name: string
  readonly sentinels: readonly { readonly host: string; readonly port: number }[]
  readonly nodes: readonly SentinelNode[]
  /** Whom the Sentinels hold for the primary now; undefined while they do not agree. */
  primary(): Promise<SentinelNode | undefined>
  /** Resolves once they agree on another one than this, which has taken over. */
  replaced(former: SentinelNode): Promise<SentinelNode>
  /** Resolves once a server follows the primary and has all that it has. */
  follows(node: SentinelNode): Promise<void>
  /** Has the Sentinels put a replica in the primary's place, without need. */
  promote(node: SentinelNode): Promise<void>
  /** Lets only this one, or any, be promoted. */
  prefer(node: SentinelNode | undefined): Promise<void>
  stop(): Promise<void>
}

export interface SentinelOptions {
  /** @default 2 */
  readonly replicas?: number
  /** Lines of each server's `redis.conf`. */
  readonly config?: Record<string, string>
  /** For how long a server must be silent to be given up, in milliseconds. @default 500 */
  readonly downAfterMs?: number
}

/** Starts it, and resolves once every Sentinel knows all servers and all other Sentinels. */
export async function startSentinel(options: SentinelOptions = {}): Promise<SentinelTopology> {
  const { replicas = 2, downAfterMs = 500 } = options
  const started: { stop(): Promise<void> }[] = []
  const stop = async () => {
    await Promise.all(started.splice(0).map((one) => one.stop()))
  }
  try {
    const nodes = await Promise.all(
      Array.from({ length: 1 + replicas }, async () => {
        const node = await startNode(options.config)
        started.push({ stop: () => stopNode(node) })
        return node
      }),
    )
    const [first, ...others] = nodes as [SentinelNode, ...SentinelNode[]]
    for (const { admin } of others) await admin.call('REPLICAOF', '127.0.0.1', first.proxy.port)
    const sentinels = await Promise.all(
      Array.from({ length: SENTINELS }, async () => {
        const sentinel = await startOne(first.proxy.port, downAfterMs)
        started.push(sentinel)
        return sentinel
      }),
    )
    const topology = arrange(nodes, sentinels, stop)
    await Promise.all(others.map((node) => topology.follows(node)))
    await until(() => allKnown(sentinels, replicas), 'the Sentinels to know each other', PATIENCE_MS)
    return topology
  } catch (error) {
    await stop()
    throw error
  }
}

function arrange(
  nodes: readonly SentinelNode[],
  sentinels: readonly OneSentinel[],
  stop: () => Promise<void>,
): SentinelTopology {
  const primary = async () => {
    const ports = await Promise.all(sentinels.map(({ admin }) => primaryPort(admin)))
    const [port] = ports
    return ports.every((other) => other === port) ? nodes.find(({ proxy }) => proxy.port === port) : undefined
  }
  const isPrimary = async (node: SentinelNode) => (await role(node)) === 'master'
  const topology: SentinelTopology = {
    name: NAME,
    sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    nodes,
    primary,
    replaced: (former) =>
      until(
        async () => {
          const now = await primary()
          return now !== undefined && now !== former && (await isPrimary(now)) && now
        },
        'another primary',
        PATIENCE_MS,
      ),
    async follows(node) {
      const inSync = async () => {
        const info = await infoOf(node)
        const offset = async (one: SentinelNode, name: string) =>
          new RegExp(`${name}:(\\d+)`).exec(await infoOf(one))?.[1]
        const now = nodes.find(({ proxy }) => info.includes(`master_port:${proxy.port}\r`))
        if (now === undefined || !/master_link_status:up/.test(info)) return false
        return (await offset(node, 'slave_repl_offset')) === (await offset(now, 'master_repl_offset'))
      }
      await until(inSync, 'a replica to follow', PATIENCE_MS)
    },
    async prefer(node) {
      // One that is gone comes back with what it was configured with, which is to be as good as any.
      for (const one of nodes.filter(({ admin }) => admin.status === 'ready')) {
        const priority = node === undefined || one === node ? '100' : '0'
        await one.admin.call('CONFIG', 'SET', 'replica-priority', priority).catch(() => {})
      }
    },
    async promote(node) {
      await topology.prefer(node)
      const asked = sentinels[0] as OneSentinel
      const over = async () => {
        if ((await primary()) === node) return await isPrimary(node)
        // Refused while another failover is under way, or while it has not heard who is preferred.
        await asked.admin.call('SENTINEL', 'FAILOVER', NAME).catch(() => {})
        await new Promise((resolve) => setTimeout(resolve, 200))
        return false
      }
      await until(over, 'the promotion', PATIENCE_MS)
      await topology.prefer(undefined)
    },
    stop,
  }
  return topology
}

async function startNode(config: Record<string, string> = {}): Promise<SentinelNode> {
  const settings: Record<string, string> = {
    'repl-diskless-sync': 'yes',
    'repl-diskless-sync-delay': '0',
    'replica-announce-ip': '127.0.0.1',
    ...config,
  }
  const redis = await startRedis({ config: settings })
  const proxy = await startProxy(redis.port)
  // Written into its configuration anew at each start.
  settings['replica-announce-port'] = String(proxy.port)
  const admin = connectTo(redis.port, { retryStrategy: () => 50, maxRetriesPerRequest: null })
  await admin.call('CONFIG', 'SET', 'replica-announce-port', proxy.port)
  return { redis, proxy, admin }
}

async function stopNode({ redis, proxy, admin }: SentinelNode): Promise<void> {
  admin.disconnect()
  await redis.stop()
  await proxy.close()
}

interface OneSentinel {
  readonly port: number
  readonly admin: TestClient
  stop(): Promise<void>
}

async function startOne(primary: number, downAfterMs: number): Promise<OneSentinel> {
  const command = await findRedisServer()
  const dir = await mkdtemp(join(tmpdir(), 'coherent-cache-sentinel-'))
  const file = join(dir, 'sentinel.conf')
  let port = 0
  const server = await onFreePort(undefined, async (free) => {
    port = free
    const lines = [
      `port ${free}`,
      'bind 127.0.0.1',
      `dir ${dir}`,
      'sentinel deny-scripts-reconfig yes',
      `sentinel monitor ${NAME} 127.0.0.1 ${primary} ${Math.floor(SENTINELS / 2) + 1}`,
      `sentinel down-after-milliseconds ${NAME} ${downAfterMs}`,
      // A second attempt comes after twice this.
      `sentinel failover-timeout ${NAME} 2000`,
      `sentinel parallel-syncs ${NAME} 10`,
    ]
    await writeFile(file, `${lines.join('\n')}\n`)
    return ServerProcess.start(
      {
        name: 'Redis Sentinel',
        command,
        args: [file, '--sentinel'],
        cwd: dir,
        log: join(dir, 'server.log'),
        quitSignal: 'SIGKILL',
        temporary: [dir],
      },
      (pid) => answers(free, pid),
    )
  })
  const admin = connectTo(port)
  await admin.call('SENTINEL', 'DEBUG', ...HASTE).catch(() => {})
  return {
    port,
    admin,
    async stop() {
      admin.disconnect()
      await server.end('SIGKILL')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function primaryPort(sentinel: TestClient): Promise<number> {
  const [, port] = (await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as [string, string]
  return Number(port)
}

async function allKnown(sentinels: readonly OneSentinel[], replicas: number): Promise<boolean> {
  for (const { admin } of sentinels) {
    const info = String(await admin.call('INFO', 'sentinel'))
    if (!info.includes(`status=ok,address=`)) return false
    if (!info.includes(`slaves=${replicas},sentinels=${SENTINELS}`)) return false
  }
  return true
}

async function infoOf({ admin }: SentinelNode): Promise<string> {
  return String(await admin.call('INFO', 'replication'))
}

async function role(node: SentinelNode): Promise<string | undefined> {
  return /role:(\w+)/.exec(await infoOf(node))?.[1]
}
