import lostTransaction from './lost-transaction.sql'
import { withoutHeader } from './session.ts'

const LOST_TRANSACTION = withoutHeader(lostTransaction)
const LONGEST_DOUBT_MS = 1_000
const PAUSE_MS = 20

/**
 * Resolves once a transaction whose connection was lost during COMMIT has committed or no longer can; its session is
 * ended where it still runs. Resolves after a second in any case: a server that cannot be asked is not waited for.
 *
 * @param ask Sends a statement through another connection; may reject, or never answer.
 */
export async function settleLost(
  ask: (text: string, parameters: string[]) => Promise<{ readonly rows: readonly unknown[] }>,
  xid: string,
): Promise<void> {
  let late = false
  let giveUp: ReturnType<typeof setTimeout> | undefined
  const deadline = new Promise<void>((resolve) => {
    giveUp = setTimeout(() => {
      late = true
      resolve()
    }, LONGEST_DOUBT_MS)
  })
  const settled = async () => {
    while (!late) {
      const answer = await ask(LOST_TRANSACTION, [xid]).catch(() => undefined)
      const told = answer?.rows[0] as { readonly status: unknown } | undefined
      if (told !== undefined && told.status !== 'in progress') return
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
  await Promise.race([settled(), deadline])
  clearTimeout(giveUp)
}
