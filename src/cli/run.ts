import { isCacheError, show } from '../core/errors.ts'
import { auditCommand } from './audit-command.ts'
import { type Command, EXIT, type Terminal } from './terminal.ts'
import { viewsCommand } from './views-command.ts'

const COMMANDS: Readonly<Record<string, Command>> = { audit: auditCommand, views: viewsCommand }

const HELP = `Usage: coherent-cache COMMAND [options]

Commands:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
  .join('\n')}

coherent-cache COMMAND --help says more.
`

/** Runs the program. Never rejects: what goes wrong is told. @returns the exit code */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined) {
    terminal.err(HELP)
    return EXIT.failed
  }
  if (name === 'help' || asksForHelp([name])) {
    terminal.out(HELP)
    return EXIT.ok
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    terminal.err(`There is no command ${show(name)}.\n\n${HELP}`)
    return EXIT.failed
  }
  if (asksForHelp(rest)) {
    terminal.out(command.help)
    return EXIT.ok
  }
  try {
    return await command.run(rest, terminal)
  } catch (error) {
    terminal.err(`coherent-cache ${name}: ${describe(error)}\n`)
    return EXIT.failed
  }
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')
}

/** Our own errors by their message; one of the user's code with the place that it comes from. */
function describe(error: unknown): string {
  if (isCacheError(error)) return error.message
  if (!(error instanceof Error)) return String(error)
  const usage = String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS')
  return usage ? `${error.message} See --help.` : (error.stack ?? error.message)
}
