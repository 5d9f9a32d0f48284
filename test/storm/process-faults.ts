import { STEPS } from './messages.ts'
import type { Fault, Scene } from './scene.ts'

/** SIGKILL of a writer, at any moment or at a step of its next transaction. */
export const killWriter: Fault = {
  name: 'kill-writer',
  async strike(scene) {
    const { dice, fleet } = scene
    const writers = fleet.free('writer')
    if (writers.length === 0) return
    const member = dice.of(writers)
    const step = dice.chance(0.75) ? dice.of(STEPS) : undefined
    const when = step === undefined ? 'at any moment' : `at step '${step}'`
    const strike = async () => {
      if (step !== undefined) {
        member.expected = true
        member.order({ t: 'die', at: step })
        await Promise.race([member.ended, scene.pause(2_000, 2_000)])
      }
      await fleet.replace(member)
    }
    await scene.during('kill-writer', `SIGKILL of process ${member.process} ${when}`, strike, [member])
  },
}

/** SIGSTOP of a reader, and SIGCONT. */
export const stopReader: Fault = {
  name: 'stop-reader',
  async strike(scene) {
    const readers = scene.fleet.free('reader')
    if (readers.length === 0) return
    const member = scene.dice.of(readers)
    const strike = async () => {
      member.signal('SIGSTOP')
      await scene.pause(100, 5_000)
      member.signal('SIGCONT')
    }
    await scene.during('stop-reader', `SIGSTOP of process ${member.process}`, strike, [member])
  },
}

/**
 * A rolling deploy of the other release: one process after the other is replaced, while one is stopped from before the
 * deploy until after it, and one is rolled back and deployed again.
 */
export const deploy: Fault = {
  name: 'deploy',
  async strike(scene) {
    const { fleet, dice } = scene
    const before = scene.release
    const after = before === 'old' ? 'new' : 'old'
    const members = fleet.free()
    const readers = members.filter(({ role }) => role === 'reader')
    const paused = readers.length > 1 ? dice.of(readers) : undefined
    const rest = members.filter((member) => member !== paused)
    const undecided = dice.of(rest)
    const strike = async () => {
      paused?.signal('SIGSTOP')
      for (const member of rest) await replace(scene, member, after)
      await replace(scene, undecided, before)
      await scene.pause(50, 1_000)
      await replace(scene, undecided, after)
      paused?.signal('SIGCONT')
      await scene.pause(200, 1_500)
      if (paused !== undefined) await replace(scene, paused, after)
      scene.release = after
    }
    const what = `the ${after} release; ${paused === undefined ? 'nobody' : `process ${paused.process}`} stopped meanwhile`
    await scene.during('deploy', what, strike, members)
  },
}

async function replace({ fleet }: Scene, member: Scene['fleet']['members'][number], map: 'old' | 'new') {
  member.map = map
  await fleet.replace(member)
}
