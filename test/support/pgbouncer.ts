import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Client } from 'pg'
import { onFreePort, ServerProcess } from './server-process.ts'
import { findProgram, unpackedProgram } from './unpacked-program.ts'

/** A pooler in transaction mode, on a port of 127.0.0.1. */
export interface Pooler {
  readonly port: number
  stop(): Promise<void>
}

/**
 * The path of PgBouncer: from PATH or its usual folders; else, on Debian and Ubuntu, unpacked from their packages.
 * Undefined where it cannot be had.
 */
export async function findPgbouncer(): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const installed = await findProgram(['pgbouncer'], [...folders, '/usr/sbin', '/opt/homebrew/bin'])
  if (installed !== undefined || !(await findProgram(['apt-get'], ['/usr/bin']))) return installed
  const program = { name: 'pgbouncer', program: 'usr/sbin/pgbouncer' }
  // Most systems lack this one library; where it has another name, all that the package depends on.
  return await unpackedProgram({ ...program, packages: ['pgbouncer', 'libc-ares2'] })
    .catch(() => unpackedProgram({ ...program, packages: ['pgbouncer'] }))
    .catch(() => undefined)
}

/** Starts it before a server, in transaction mode, with few connections that take turns. */
export async function startPgbouncer(command: string, server: URL, database: string): Promise<Pooler> {
  const dir = await mkdtemp(join(tmpdir(), 'coherent-cache-pgbouncer-'))
  const remove = () => rm(dir, { recursive: true, force: true })
  const asRoot = process.getuid?.() === 0
  // As root it becomes another user, who has to be able to read here.
  await chmod(dir, 0o755)
  const start = async (port: number): Promise<[ServerProcess, number]> => {
    const file = join(dir, 'pgbouncer.ini')
    await writeFile(
      file,
      `[databases]
${database} = host=${server.hostname} port=${server.port} dbname=${database} user=${server.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
min_pool_size = 4
server_round_robin = 1
`,
    )
    const running = await ServerProcess.start(
      {
        name: 'PgBouncer',
        command,
        args: [...(asRoot ? ['-u', 'nobody'] : []), file],
        cwd: dir,
        log: join(dir, 'server.log'),
        quitSignal: 'SIGKILL',
        temporary: [dir],
      },
      () => answers(port, database),
    )
    return [running, port]
  }
  const [running, port] = await onFreePort(undefined, start).catch(async (error) => {
    await remove()
    throw error
  })
  return {
    port,
    async stop() {
      await running.end('SIGKILL')
      await remove()
    },
  }
}

async function answers(port: number, database: string): Promise<boolean> {
  const client = new Client({ host: '127.0.0.1', port, database, user: 'anybody' })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
