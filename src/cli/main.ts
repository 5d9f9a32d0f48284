#!/usr/bin/env node
import { run } from './run.ts'

const { stdout, stderr, env } = process
const color = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'

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
