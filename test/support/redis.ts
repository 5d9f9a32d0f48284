import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findRedisServer } from './redis-binary.ts'
import { onFreePort, ServerProcess } from './server-process.ts'

export { findRedisServer }

export interface RedisOptions {
  /** Default: a free one. */
  port?: number
  /** The working folder, which is kept. Default: a temporary one, removed by `stop`. */
  dir?: string
  /** Lines of `redis.conf`, over our own. */
  config?: Record<string, string>
  /**
   * Writes every command to disk, so that the data outlives `kill('SIGKILL')`. Default: false, nothing is
   * written, unless `config` switches `save` or `appendonly` on.
   */
  keepData?: boolean
}

/** A real Redis or Valkey of the test's own, on 127.0.0.1. It ends with the test process at the latest. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Changes with `restart`. */
  readonly pid: number
  readonly dir: string
  /** Ends the server and removes its temporary folder. May be called again. */
  stop(): Promise<void>
  /** `SIGKILL` crashes it and resolves once it is gone; `SIGSTOP` freezes it until `SIGCONT`. */
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  /**
   * Starts the server anew on the same port, ending it first where it still runs. It comes back with its data,
   * except where it was killed without `keepData`, and where `empty` asks for none.
   */
  restart(options?: { empty?: boolean }): Promise<void>
}

/** Starts a Redis and resolves once it answers. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const command = await findRedisServer()
  const { config = {} } = options
  const keepData = options.keepData ?? (config.appendonly === 'yes' || Boolean(config.save))
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'coherent-cache-redis-')))
  const temporary = options.dir === undefined ? [dir] : []
  const removeData = async () => {
    for (const name of ['dump.rdb', 'appendonlydir', 'appendonly.aof']) {
      await rm(join(dir, name), { recursive: true, force: true })
    }
  }

  const start = async (port: number): Promise<ServerProcess> => {
    const settings = {
      port: String(port),
      bind: '127.0.0.1',
      dir,
      daemonize: 'no',
      save: '',
      appendonly: keepData ? 'yes' : 'no',
      appendfsync: 'no',
      ...config,
    }
    const file = join(dir, 'redis.conf')
    await writeFile(
      file,
      Object.entries(settings)
        .map(([name, value]) => `${name} ${value || '""'}\n`)
        .join(''),
    )
    return ServerProcess.start(
      {
        name: 'Redis',
        command,
        args: [file],
        cwd: dir,
        log: join(dir, 'server.log'),
        quitSignal: 'SIGKILL',
        temporary,
      },
      (pid) => answers(port, pid, config.requirepass),
    )
  }

  const removeTemporary = async () => {
    for (const folder of temporary) await rm(folder, { recursive: true, force: true })
  }

  let port = 0
  let server = await onFreePort(options.port, (free) => {
    port = free
    return start(free)
  }).catch(async (error) => {
    await removeTemporary()
    throw error
  })
  const credentials = config.requirepass ? `:${encodeURIComponent(config.requirepass)}@` : ''

  return {
    port,
    url: `redis://${credentials}127.0.0.1:${port}`,
    get pid() {
      return server.pid
    },
    dir,
    kill: (signal) => server.signal(signal),
    async stop() {
      await server.end(temporary.length > 0 ? 'SIGKILL' : 'SIGTERM')
      await removeTemporary()
    },
    async restart({ empty = false } = {}) {
      if (server.running && !empty && !keepData) {
        await server.signal('SIGCONT')
        await commands(port, [...authentication(config.requirepass), 'SHUTDOWN SAVE'])
      }
      await server.end('SIGTERM')
      if (empty) await removeData()
      server = await start(port)
      if (!keepData) await removeData()
    },
  }
}

/** Whether the server at this port answers and is the process that we started. */
export async function answers(port: number, pid: number, password?: string): Promise<boolean> {
  const reply = await commands(port, [...authentication(password), 'PING', 'INFO server', 'QUIT'])
  return reply.includes('+PONG') && new RegExp(`process_id:${pid}\\b`).test(reply)
}

function authentication(password: string | undefined): string[] {
  return password ? [`AUTH ${password}`] : []
}

/** Sends commands on a connection of its own. Resolves with the replies once the server closes it, or '' where none listens. */
function commands(port: number, lines: string[]): Promise<string> {
  return new Promise((resolve) => {
    let replies = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(lines.map((line) => `${line}\r\n`).join('')))
    socket.setEncoding('utf8')
    socket.on('data', (text) => {
      replies += text
    })
    socket.setTimeout(5_000, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve(replies))
  })
}
