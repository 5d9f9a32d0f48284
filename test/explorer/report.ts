import { turning } from './choosers.ts'
import type { Chooser } from './conductor.ts'
import { type Played, play } from './play.ts'
import type { Scenario } from './scenario.ts'

/** Where a schedule turns from its usual way: at which choice, and to what. */
export type Turns = ReadonlyMap<number, number>

/** A schedule as short as it could be made: whatever turn does not matter for what it breaks goes its usual way. */
export async function minimise(scenario: Scenario, failing: Played): Promise<Turns> {
  const promise = failing.violations[0]?.promise
  let turns: Turns = new Map(
    failing.choices.flatMap((at, place) => (at === failing.usual[place] ? [] : [[place, at] as const])),
  )
  for (let size = Math.ceil(turns.size / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < turns.size; ) {
      const fewer = new Map([...turns].filter((_, place) => place < from || place >= from + size))
      const { violations } = await play(scenario, turning(fewer))
      if (violations.some((violation) => violation.promise === promise)) turns = fewer
      else from += size
    }
  }
  return turns
}

/** A schedule, step by step, and what is wrong with it. */
export async function tell(scenario: Scenario, chooser: Chooser): Promise<string> {
  const { story, violations } = await play(scenario, chooser, true)
  const { name, actors, trouble, warm = [], ...rest } = scenario
  return [
    `Scenario ${name}: ${JSON.stringify(rest)}`,
    ...actors.map(
      (actor) =>
        `  ${actor.name} in ${actor.process}: ${actor.deeds.map((deed) => JSON.stringify(deed)).join(', ')}`,
    ),
    `  trouble ${JSON.stringify(trouble)}; read before: ${warm.join(', ') || 'nothing'}`,
    '',
    ...story,
    '',
    ...violations.map(({ promise, what }) => `BROKEN: ${promise}\n  ${what}`),
    ...(violations.length === 0 ? ['Every promise was kept.'] : []),
  ].join('\n')
}

export function writeTurns(turns: Turns): string {
  return [...turns].map(([place, at]) => `${place}:${at}`).join(',')
}

export function readTurns(text: string): Turns {
  return new Map(text.split(',').map((turn) => turn.split(':').map(Number) as [number, number]))
}
