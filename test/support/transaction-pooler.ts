import { createServer, type Socket, connect as socketTo } from 'node:net'
import type { Pooler } from './pgbouncer.ts'

const READY = 'Z'.charCodeAt(0)
const TERMINATE = 'X'.charCodeAt(0)
const IDLE = 'I'.charCodeAt(0)

/** One connection to the server. It serves one client at a time, for one transaction. */
interface ServerConnection {
  readonly socket: Socket
  client: Socket | undefined
}

/**
 * A pooler in transaction mode that never gives two transactions in a row the same server connection: what a client
 * leaves in its session is somebody else's next. For a server that asks for no password.
 *
 * A client that leaves in the middle of a transaction takes its server connection with it, as PgBouncer has it.
 */
export async function startTransactionPooler(server: URL, database: string, size = 4): Promise<Pooler> {
  /** Oldest use first. */
  const idle: ServerConnection[] = []
  const waiting: ((connection: ServerConnection) => void)[] = []
  const sockets = new Set<Socket>()
  /** What the server says when a connection begins. */
  let hello: Buffer = Buffer.alloc(0)
  let closing = false

  const offer = (connection: ServerConnection) => {
    const next = waiting.shift()
    if (next === undefined) idle.push(connection)
    else next(connection)
  }

  const connect = async (): Promise<void> => {
    const socket = socketTo(Number(server.port), server.hostname).setNoDelay(true)
    sockets.add(socket)
    const connection: ServerConnection = { socket, client: undefined }
    const ready = new Promise<void>((resolve) => {
      const greeted: Buffer[] = []
      let greeting = true
      readMessages(socket, (type, message) => {
        if (greeting) greeted.push(message)
        else connection.client?.write(message)
        if (type !== READY || message[5] !== IDLE) return
        if (greeting) {
          greeting = false
          hello = Buffer.concat(greeted)
          resolve()
        }
        connection.client = undefined
        offer(connection)
      })
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      connection.client?.destroy()
      const at = idle.indexOf(connection)
      if (at >= 0) idle.splice(at, 1)
      if (!closing) void connect()
    })
    socket.write(startup({ user: server.username, database }))
    await ready
  }
  await connect()
  await Promise.all(Array.from({ length: size - 1 }, connect))

  const pooler = createServer((client) => {
    sockets.add(client.setNoDelay(true))
    client.on('error', () => {})
    let mine: ServerConnection | undefined
    let asked = false
    const pending: Buffer[] = []
    const attach = (connection: ServerConnection) => {
      asked = false
      if (client.destroyed) {
        offer(connection)
        return
      }
      mine = connection
      connection.client = client
      for (const message of pending.splice(0)) connection.socket.write(message)
    }
    const take = (type: number, message: Buffer) => {
      if (type === TERMINATE) client.end()
      else if (mine?.client === client) mine.socket.write(message)
      else {
        pending.push(message)
        if (asked) return
        asked = true
        const free = idle.shift()
        if (free === undefined) waiting.push(attach)
        else attach(free)
      }
    }
    client.on('close', () => {
      sockets.delete(client)
      if (mine?.client === client) mine.socket.destroy()
    })
    // The first message has no type. It is answered as the server answered ours.
    readMessages(client, take, () => client.write(hello))
  })
  await new Promise<void>((resolve) => pooler.listen(0, '127.0.0.1', resolve))
  const { port } = pooler.address() as { port: number }
  return {
    port,
    async stop() {
      closing = true
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => pooler.close(resolve))
    },
  }
}

/** Calls `each` with every whole message; `first`, where it is given, with one that has no type. */
function readMessages(
  socket: Socket,
  each: (type: number, message: Buffer) => void,
  first?: (message: Buffer) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0)
  let untyped = first !== undefined
  socket.on('data', (more) => {
    bytes = bytes.length === 0 ? more : Buffer.concat([bytes, more])
    for (;;) {
      const head = untyped ? 0 : 1
      if (bytes.length < head + 4) return
      const end = head + bytes.readUInt32BE(head)
      if (bytes.length < end) return
      const message = bytes.subarray(0, end)
      bytes = bytes.subarray(end)
      if (untyped) first?.(message)
      else each(message[0] as number, message)
      untyped = false
    }
  })
}

function startup(parameters: Readonly<Record<string, string>>): Buffer {
  const body = Object.entries({ ...parameters, client_encoding: 'UTF8' })
    .map(([name, value]) => `${name}\0${value}\0`)
    .join('')
  const message = Buffer.alloc(9 + Buffer.byteLength(body))
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(196_608, 4)
  message.write(body, 8)
  return message
}
