import type { BenchCase, Table } from '../../case.ts'
import { allContenders } from '../../support/contenders.ts'
import { measureAll, middle } from '../../support/measure-contender.ts'

/** Invalidating one group of 1,000 to 100,000 keys in Redis (with `--full` a million), by everybody who has groups. */
export const peersGroups: BenchCase = {
  name: 'peers-groups',
  title: 'Invalidating a group, everybody',
  peers: true,
  async run(context) {
    const all = await measureAll(
      'groups',
      (await allContenders()).filter(({ groups }) => groups),
      context,
    )
    const sizes = [1_000, 10_000, 100_000, 1_000_000].filter((size) =>
      all.some(({ measured }) => `${size} ms` in measured),
    )
    const columns = sizes.map((size) => (size >= 1_000_000 ? '1 M' : `${size / 1_000} k`))
    const table = (caption: string, figure: string, note: string): Table => ({
      caption,
      columns,
      rows: all.map(({ kind, measured }) => ({
        label: kind.name,
        cells: sizes.map((size) => measured[`${size} ${figure}`]),
      })),
      note,
    })
    const largest = sizes.at(-1)
    return {
      tables: [
        table(
          'Milliseconds, by keys in the group',
          'ms',
          'With its extremes where it was done several times; each time a group is filled anew.',
        ),
        table(
          'Commands that Redis ran',
          'commands',
          'Inside scripts too; heartbeats of the time are among them.',
        ),
        table(
          'Longest stall, ms',
          'stall',
          'The longest wait of a PING of another process meanwhile. A PING on an idle machine takes 0.1 to 0.5 ms.',
        ),
      ],
      measures: Object.fromEntries(
        all.map(({ kind, measured }) => [kind.name, middle(measured[`${largest} ms`])]),
      ),
    }
  },
}
