import { spawnSync } from 'node:child_process'
import { chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { onFreePort, ServerProcess } from '../../support/server-process.ts'
import { findProgram, type PackagedProgram, unpackedProgram } from '../../support/unpacked-program.ts'

/** A real MariaDB of the test's own, on 127.0.0.1, for any user without a password. */
export interface MariadbServer {
  readonly port: number
  stop(): Promise<void>
}

const packaged: PackagedProgram = {
  name: 'mariadb',
  packages: ['mariadb-server-core'],
  program: 'usr/sbin/mariadbd',
}

/** What has to be in its own tables. */
const SYSTEM = ['mysql_system_tables.sql', 'mysql_performance_tables.sql', 'mysql_system_tables_data.sql']

/** Starts one and resolves once it accepts connections. It ends with the test process at the latest. */
export async function startMariadb(): Promise<MariadbServer> {
  const { command, share } = await findMariadb()
  const dir = await mkdtemp(join(tmpdir(), 'coherent-cache-mariadb-'))
  const data = join(dir, 'data')
  await mkdir(data)
  const root = process.getuid?.() === 0
  const settings = [
    '--no-defaults',
    `--datadir=${data}`,
    `--lc-messages-dir=${join(share, 'english')}`,
    `--character-sets-dir=${join(share, 'charsets')}`,
    '--skip-grant-tables',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-buffer-pool-size=32M',
    '--innodb-log-file-size=8M',
    ...(root ? ['--user=root'] : []),
  ]
  if (root) await chown(dir, 0, 0)
  const scripts = await Promise.all(SYSTEM.map((file) => readFile(join(share, file), 'utf8')))
  const input = `CREATE DATABASE mysql;\nUSE mysql;\n${scripts.join('\n')}`
  const made = spawnSync(command, [...settings, '--bootstrap'], { input, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`MariaDB's own tables could not be made:\n${made.stderr}`)

  let port = 0
  const server = await onFreePort(undefined, (free) => {
    port = free
    return ServerProcess.start(
      {
        name: 'MariaDB',
        command,
        args: [
          ...settings,
          `--port=${free}`,
          '--bind-address=127.0.0.1',
          `--socket=${join(dir, 'socket')}`,
          '--max-connections=400',
        ],
        cwd: dir,
        log: join(dir, 'server.log'),
        quitSignal: 'SIGKILL',
        temporary: [dir],
      },
      () => answers(free),
    )
  })
  return {
    port,
    async stop() {
      await server.end('SIGKILL')
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The server of the system, or one unpacked from the distribution's packages; and the folder of its messages. */
async function findMariadb(): Promise<{ command: string; share: string }> {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/sbin',
    '/opt/homebrew/bin',
  ]
  const installed = await findProgram(['mariadbd'], folders)
  if (installed !== undefined) {
    const beside = join(dirname(installed), '../share')
    const folder = (await findFolder([join(beside, 'mysql'), join(beside, 'mariadb')])) ?? '/usr/share/mysql'
    return { command: installed, share: folder }
  }
  try {
    const command = await unpackedProgram(packaged)
    return { command, share: join(dirname(command), 'usr/share/mysql') }
  } catch (cause) {
    throw new Error(
      'The tests of mysql2 need MariaDB, and found none. Install it with: sudo apt-get install mariadb-server-core.',
      { cause },
    )
  }
}

async function findFolder(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const found = await readFile(join(folder, 'mysql_system_tables.sql')).catch(() => undefined)
    if (found !== undefined) return folder
  }
  return undefined
}

async function answers(port: number): Promise<boolean> {
  try {
    const connection = await createConnection({ host: '127.0.0.1', port, user: 'root' })
    await connection.end()
    return true
  } catch {
    return false
  }
}
