import { execFile } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { PostgresServer } from './postgres.ts'
import { onFreePort, ServerProcess } from './server-process.ts'
import { until } from './until.ts'

const run = promisify(execFile)

/** A real streaming replica of a test's PostgreSQL, whose replay a test may hold. */
export interface PostgresReplica {
  readonly port: number
  readonly url: string
  /** From now on nothing that is committed shows on it. Resolves when that is so. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Resolves once it shows all that has been committed on the primary by now. */
  caughtUp(): Promise<void>
  /** Ends it and starts it anew with its data, on the same port. */
  restart(): Promise<void>
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

/** Starts a replica of a server; resolves once it is read from. It is to be stopped before its primary. */
export async function startReplica(primary: PostgresServer): Promise<PostgresReplica> {
  const dir = await mkdtemp(join(dirname(primary.dir), 'coherent-cache-pg-replica-'))
  const data = join(dir, 'data')
  const { runsAs: user, bin } = primary
  const env = { PATH: process.env.PATH, TZ: 'UTC', LC_ALL: 'C' }
  if (user !== undefined) {
    await chown(dir, user.uid, user.gid)
    await chmod(dir, 0o755)
  }
  await copyData(primary, data)

  const start = (port: number): Promise<ServerProcess> => {
    const settings = {
      port: String(port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: dir,
      timezone: 'UTC',
      fsync: 'off',
      primary_conninfo: `host=127.0.0.1 port=${primary.port} user=postgres`,
      wal_retrieve_retry_interval: '100ms',
    }
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    return ServerProcess.start(
      {
        name: 'PostgreSQL replica',
        command: join(bin, 'postgres'),
        args: ['-D', data, ...args],
        cwd: dir,
        env,
        user,
        log: join(dir, 'server.log'),
        quitSignal: 'SIGQUIT',
        temporary: [dir],
      },
      () => isReadable(port),
    )
  }

  let port = 0
  let server = await onFreePort(undefined, (free) => {
    port = free
    return start(free)
  })
  const ask = (sql: string) => askServer(port, sql)
  return {
    port,
    url: `postgres://postgres@127.0.0.1:${port}/${encodeURIComponent(primary.database)}`,
    async pause() {
      await ask('SELECT pg_wal_replay_pause()')
      await until(
        async () => (await ask('SELECT pg_get_wal_replay_pause_state()')) === 'paused',
        'replay is held',
      )
    },
    async resume() {
      await ask('SELECT pg_wal_replay_resume()')
    },
    async caughtUp() {
      const lsn = await askServer(primary.port, 'SELECT pg_current_wal_flush_lsn()')
      await until(
        async () => (await ask(`SELECT pg_last_wal_replay_lsn() >= '${lsn}'::pg_lsn`)) === true,
        'the replica has caught up',
      )
    },
    async restart() {
      await server.end('SIGINT')
      server = await start(port)
    },
    async stop() {
      await server.end('SIGQUIT')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A copy of the primary's files, taken while it runs. */
async function copyData(primary: PostgresServer, data: string): Promise<void> {
  const client = new Client({ host: '127.0.0.1', port: primary.port, user: 'postgres', database: 'postgres' })
  await client.connect()
  try {
    await client.query("SELECT pg_backup_start('replica', true)")
    await run('cp', ['-R', join(primary.dir, 'data'), data], { ...primary.runsAs })
    const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop(false)')
    const written: [string, string][] = [
      ['backup_label', rows[0].labelfile],
      ['standby.signal', ''],
    ]
    await rm(join(data, 'postmaster.pid'))
    for (const [name, text] of written) {
      await writeFile(join(data, name), text)
      if (primary.runsAs !== undefined) {
        await chown(join(data, name), primary.runsAs.uid, primary.runsAs.gid)
      }
    }
    await chmod(data, 0o700)
  } finally {
    await client.end()
  }
}

async function isReadable(port: number): Promise<boolean> {
  return askServer(port, 'SELECT pg_is_in_recovery()').then(
    (recovering) => recovering === true,
    () => false,
  )
}

async function askServer(port: number, sql: string): Promise<unknown> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    return rows[0]?.[0]
  } finally {
    await client.end()
  }
}
