/**
 * Keeps off stderr what a cache tells the process where nobody listens: here most caches lose their store on purpose.
 * Tests of those warnings listen themselves.
 */
const shown = process.listeners('warning')
process.removeAllListeners('warning')
process.on('warning', (warning) => {
  if ((warning as { code?: string }).code === 'COHERENT_CACHE') return
  for (const show of shown) show.call(process, warning)
})
