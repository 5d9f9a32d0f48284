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
  if (running) ping()
  else process.send?.(longestMs)
})
socket.on('connect', () => process.send?.('connected'))
process.on('message', (message) => {
  // The PING that is on its way when it stops has waited too: its reply ends the measurement.
  if (message !== 'go') running = false
  else {
    running = true
    longestMs = 0
    ping()
    process.send?.('pinging')
  }
})
process.on('disconnect', () => process.exit())
