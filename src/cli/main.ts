#!/usr/bin/env node
import { run } from './run.ts'

const { stdout, stderr, env } = process
const color = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'

// Unless it is heard to have ended well: a loader that waits for ever lets Node.js end the process by itself.
process.exitCode = 2
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
