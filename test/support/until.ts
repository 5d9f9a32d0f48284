import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves with the first answer that is neither false nor undefined; rejects after `patienceMs`. */
export async function until<T>(
  ask: () => T | Promise<T>,
  what: string,
  patienceMs = 10_000,
): Promise<Exclude<T, false | undefined>> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>
    if (performance.now() > deadline) throw new Error(`Not within ${patienceMs} ms: ${what}`)
    await sleep(5)
  }
}
