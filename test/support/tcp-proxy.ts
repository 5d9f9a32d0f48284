import { createServer, type Server, type Socket, connect as socketTo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Which way bytes travel. */
export type Direction = 'toServer' | 'toClient'

/** A stretch of network between a client and a server on this machine, which a test can make a bad one. */
export interface TcpProxy {
  readonly port: number
  /** Connections that are open now. */
  readonly connections: number
  /** Delivers everything this much later, both ways. */
  delay(milliseconds: number): void
  /** Delivers nothing this way (or neither way) from now on, and says nothing: a firewall that drops packets. */
  hold(direction?: Direction): void
  /** Delivers nothing on those connections that have subscribed to a channel by now: dead, and they do not know it. */
  holdMessages(): void
  /** Delivers nothing between the server and its replicas: what they have is what they keep. */
  holdReplicas(): void
  /** Delivers nothing between the server and its replicas and Sentinels, only to clients: a partition with both on one side. */
  isolate(): void
  /** Delivers again, first what was held. */
  release(): void
  /** Breaks every connection, and refuses new ones until {@link mend}. Whatever was held is lost. */
  cut(): void
  /** Breaks every connection; new ones are accepted. */
  drop(): void
  mend(): void
  /**
   * Lets the next request that contains this text reach the server, and breaks its connection before any answer to it
   * comes back. Resolves when that has happened.
   */
  cutAfterRequest(text: string): Promise<void>
  close(): Promise<void>
}

/** Both ends of one connection through the proxy. */
class Link {
  readonly client: Socket
  readonly server: Socket
  /** Bytes on their way, oldest first. Undefined: the end of the stream. */
  readonly held: Record<Direction, (Buffer | undefined)[]> = { toServer: [], toClient: [] }
  /** Bytes that are to arrive later, oldest first. */
  readonly late: Record<Direction, { readonly due: number; readonly bytes: Buffer | undefined }[]> = {
    toServer: [],
    toClient: [],
  }
  mute = false
  /** Whether it has asked for a subscription. */
  subscriber = false
  /** Whether a replica is at its other end, or a Sentinel. */
  peer: 'replica' | 'sentinel' | undefined
  dead = false

  constructor(client: Socket, server: Socket) {
    this.client = client
    this.server = server
  }

  destroy(): void {
    this.client.destroy()
    this.server.destroy()
  }
}

/** Starts one on a free port of 127.0.0.1. */
export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const links = new Set<Link>()
  const holding = new Set<Direction>()
  const holdingPeers = new Set<Link['peer']>()
  let refusing = false
  let delayMs = 0
  let trap: { readonly text: string; readonly sprung: () => void } | undefined

  const deliver = (link: Link, direction: Direction): void => {
    if (holding.has(direction) || link.dead) return
    const to = direction === 'toServer' ? link.server : link.client
    for (const bytes of link.held[direction].splice(0)) {
      if (direction === 'toClient' && link.mute) continue
      if (bytes === undefined) to.end()
      else to.write(bytes)
    }
  }

  /** Those who talk to the server and are no clients are known by what they say. */
  const recognise = (link: Link, bytes: Buffer): void => {
    const text = bytes.toString('latin1')
    if (/\r\nsubscribe\r\n/i.test(text)) link.subscriber = true
    if (/\r\nPSYNC\r\n/.test(text)) link.peer = 'replica'
    else if (/\r\nsentinel-[0-9a-f]+-/.test(text)) link.peer = 'sentinel'
    if (link.peer !== undefined && holdingPeers.has(link.peer)) link.dead = true
  }

  const send = (link: Link, direction: Direction, bytes: Buffer | undefined): void => {
    if (direction === 'toServer' && bytes !== undefined) recognise(link, bytes)
    if (direction === 'toServer' && bytes !== undefined && trap !== undefined && bytes.includes(trap.text)) {
      const { sprung } = trap
      trap = undefined
      link.mute = true
      link.server.once('data', () => {
        link.destroy()
        sprung()
      })
    }
    const late = link.late[direction]
    if (delayMs === 0 && late.length === 0) {
      link.held[direction].push(bytes)
      deliver(link, direction)
      return
    }
    late.push({ due: performance.now() + delayMs, bytes })
    if (late.length === 1) void arrive(link, direction)
  }

  /** What is late arrives in its order, also where the delay has become shorter meanwhile. */
  const arrive = async (link: Link, direction: Direction): Promise<void> => {
    const late = link.late[direction]
    for (let next = late[0]; next !== undefined; next = late[0]) {
      await sleep(Math.max(0, next.due - performance.now()))
      link.held[direction].push(next.bytes)
      deliver(link, direction)
      late.shift()
    }
  }

  const accept = (client: Socket): void => {
    client.on('error', () => {})
    if (refusing) {
      client.destroy()
      return
    }
    const server = socketTo(targetPort, '127.0.0.1')
    server.on('error', () => {})
    client.setNoDelay(true)
    server.setNoDelay(true)
    const link = new Link(client, server)
    links.add(link)
    client.on('data', (bytes) => send(link, 'toServer', bytes))
    server.on('data', (bytes) => send(link, 'toClient', bytes))
    client.on('end', () => send(link, 'toServer', undefined))
    server.on('end', () => send(link, 'toClient', undefined))
    const gone = () => {
      // Behind a proxy that holds everything, the other end does not hear of it yet.
      if (holding.size > 0 || link.dead) return
      links.delete(link)
      link.destroy()
    }
    client.on('close', gone)
    server.on('close', gone)
  }

  const drop = () => {
    for (const link of links) link.destroy()
    links.clear()
  }

  const proxy: Server = createServer({ allowHalfOpen: true }, accept)
  await new Promise<void>((resolve, reject) => {
    proxy.once('error', reject)
    proxy.listen(0, '127.0.0.1', resolve)
  })
  const address = proxy.address()
  if (typeof address !== 'object' || address === null) throw new Error('The proxy has no port.')

  return {
    port: address.port,
    get connections() {
      return links.size
    },
    delay(milliseconds) {
      delayMs = milliseconds
    },
    hold(direction) {
      for (const one of direction === undefined ? (['toServer', 'toClient'] as const) : [direction])
        holding.add(one)
    },
    holdMessages() {
      for (const link of links) link.dead = link.subscriber
    },
    holdReplicas() {
      holdingPeers.add('replica')
      for (const link of links) if (link.peer === 'replica') link.dead = true
    },
    isolate() {
      for (const peer of ['replica', 'sentinel'] as const) holdingPeers.add(peer)
      for (const link of links) if (link.peer !== undefined) link.dead = true
    },
    release() {
      holding.clear()
      holdingPeers.clear()
      for (const link of links) {
        link.dead = false
        deliver(link, 'toServer')
        deliver(link, 'toClient')
        if (!link.client.destroyed && !link.server.destroyed) continue
        links.delete(link)
        link.destroy()
      }
    },
    cut() {
      refusing = true
      drop()
    },
    drop,
    mend() {
      refusing = false
      holding.clear()
      holdingPeers.clear()
    },
    cutAfterRequest(text) {
      return new Promise((resolve) => {
        trap = { text, sprung: resolve }
      })
    },
    async close() {
      refusing = true
      drop()
      await new Promise((resolve) => proxy.close(resolve))
    },
  }
}
