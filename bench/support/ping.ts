/**
 * A process that does nothing but PING a Redis, one at a time, and remembers the longest it had to wait: `go` starts a
 * measurement, `stop` ends it and answers with the milliseconds.
 */
import { connect } from 'node:net'

const socket = connect({ host: '127.0.0.1', port: Number(process.argv[2]), noDelay: true })
let running = false
let sentAt = 0
let longestMs = 0

const ping = () => {
  sentAt = performance.now()
  socket.write('PING\r\n')
}

socket.on('data', () => {
  longestMs = Math.max(longestMs, performance.now() - sentAt)
  if (running) setImmediate(ping)
})
socket.on('connect', () => process.send?.('connected'))
process.on('message', (message) => {
  if (message === 'go') {
    running = true
    longestMs = 0
    ping()
    process.send?.('pinging')
  } else {
    running = false
    process.send?.(Math.max(longestMs, 0))
  }
})
process.on('disconnect', () => process.exit())
