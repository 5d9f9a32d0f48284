import { execFile } from 'node:child_process'
import { chmod, chown, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { copyBinaries, findPostgres, isComplete } from './postgres-binaries.ts'
import { onFreePort, ServerProcess, ServerStartError } from './server-process.ts'

const run = promisify(execFile)

export interface PostgresOptions {
  /** Server settings over our own, such as `{ wal_level: 'logical' }`. */
  config?: Record<string, string>
  /** A database to create besides `postgres`, and the one that `url` names. */
  database?: string
}

/**
 * A real PostgreSQL of the test's own, on 127.0.0.1, for its superuser `postgres` without a password. Nothing is
 * flushed to disk. It ends with the test process at the latest, and its folder with it.
 */
export interface PostgresServer {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
  /** Of `database`. */
  readonly url: string
  /** Of the postmaster. Changes with `restart`. */
  readonly pid: number
  /** The temporary folder: `data`, `server.log` and the Unix socket. */
  readonly dir: string
  /** The folder with its programs. */
  readonly bin: string
  /** Who it runs as; undefined for the user of the test itself. */
  readonly runsAs: { readonly uid: number; readonly gid: number } | undefined
  /** Ends the server and removes its folder. May be called again. */
  stop(): Promise<void>
  /**
   * Signals the postmaster. `SIGKILL` crashes the whole server and resolves once the postmaster is gone. `SIGSTOP`
   * holds up new connections, until `SIGCONT`; those that are open go on.
   */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts the server anew with its data on the same port, ending it first where it still runs. */
  restart(): Promise<void>
  /** Creates a database and resolves with its URL. */
  createDatabase(name: string): Promise<string>
}

/** Starts a PostgreSQL and resolves once it accepts connections, which takes a second or two. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { database = 'postgres' } = options
  const user = await unprivilegedUser()
  const dir = await mkdtemp(join(await temporaryFolder(user !== undefined), 'coherent-cache-pg-'))
  const data = join(dir, 'data')
  const env = { PATH: process.env.PATH, TZ: 'UTC', LC_ALL: 'C' }

  try {
    if (user) {
      await chown(dir, user.uid, user.gid)
      await chmod(dir, 0o755)
    }
    const found = await findPostgres()
    const { bin } =
      found.native && (user || !(await isComplete(found.native)))
        ? await copyBinaries(found.native, join(dir, 'native'))
        : found
    const initdb = [
      '-D',
      data,
      '-U',
      'postgres',
      '--auth=trust',
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ]
    await run(join(bin, 'initdb'), initdb, { cwd: dir, env, ...user })

    const start = (port: number): Promise<ServerProcess> => {
      const settings = {
        port: String(port),
        listen_addresses: '127.0.0.1',
        unix_socket_directories: dir,
        timezone: 'UTC',
        fsync: 'off',
        full_page_writes: 'off',
        ...options.config,
      }
      return ServerProcess.start(
        {
          name: 'PostgreSQL',
          command: join(bin, 'postgres'),
          args: [
            '-D',
            data,
            ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
          ],
          cwd: dir,
          env,
          user,
          log: join(dir, 'server.log'),
          quitSignal: 'SIGQUIT',
          temporary: [dir],
        },
        (pid) => isReady(data, pid),
      )
    }

    let port = 0
    let server = await onFreePort(undefined, (free) => {
      port = free
      return start(free)
    })
    const urlOf = (name: string) => `postgres://postgres@127.0.0.1:${port}/${encodeURIComponent(name)}`

    const postgres: PostgresServer = {
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database,
      url: urlOf(database),
      get pid() {
        return server.pid
      },
      dir,
      bin,
      runsAs: user,
      kill: (signal) => server.signal(signal),
      async stop() {
        await server.end('SIGQUIT')
        await rm(dir, { recursive: true, force: true })
      },
      async restart() {
        await server.end('SIGINT')
        server = await afterLastBackend(() => start(port))
      },
      async createDatabase(name) {
        const client = new Client({ connectionString: urlOf('postgres') })
        await client.connect()
        try {
          await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
        } finally {
          await client.end()
        }
        return urlOf(name)
      },
    }
    if (database !== 'postgres') await postgres.createDatabase(database)
    return postgres
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

/** Whether the postmaster says so itself: a connection could reach a neighbour that took the port. */
async function isReady(data: string, pid: number): Promise<boolean> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
}

/** Backends outlive a crashed postmaster by a moment, in which no other may start on their data. */
async function afterLastBackend(start: () => Promise<ServerProcess>): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start()
    } catch (error) {
      if (!(error instanceof ServerStartError) || attempt === 10) throw error
      await sleep(100)
    }
  }
}

/** PostgreSQL refuses to run as root, so there it runs as `nobody`. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const [, uid = '65534', gid = '65534'] =
    /^nobody:[^:]*:(\d+):(\d+):/m.exec(await readFile('/etc/passwd', 'utf8')) ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

/** The system's temporary folder; where another user is to work in it, one that others may enter. */
async function temporaryFolder(forOthers: boolean): Promise<string> {
  if (!forOthers) return tmpdir()
  const folders = [tmpdir(), '/tmp', '/var/tmp']
  for (const folder of folders) if (await mayBeEntered(folder)) return folder
  throw new Error(`PostgreSQL cannot run as root, and no other user may enter any of ${folders.join(', ')}.`)
}

async function mayBeEntered(folder: string): Promise<boolean> {
  const mode = await stat(folder).then(
    (stats) => stats.mode,
    () => 0,
  )
  return (mode & 0o001) !== 0 && (folder === dirname(folder) || mayBeEntered(dirname(folder)))
}
