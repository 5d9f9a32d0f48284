#!/usr/bin/env node
import { run } from './run.ts'

const { stdout, stderr, env } = process
const color = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'

// A loader that waits for ever lets Node.js end the process by itself: that must not look like a success.
process.exitCode = 2
process.once('beforeExit', () => {
  stderr.write(
    'Ended before it was done: a loader has never settled. Does it wait for the connection that the audit reads on, as the client itself does on PGlite? Have it ask the bound database.\n',
  )
})
void run(process.argv.slice(2), {
  cwd: process.cwd(),
  env,
  color,
  out: (text) => stdout.write(text),
  err: (text) => stderr.write(text),
}).then((code) => {
  // A pool that the audited code left open would keep the process. What was written to a pipe goes first.
  stdout.write('', () => stderr.write('', () => process.exit(code)))
})
