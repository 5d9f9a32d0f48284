import type { ReportId } from './database.ts'
import { type Random, seededRandom } from './random.ts'

export type Kind = 'create' | 'update' | 'delete' | 'approve' | 'approveDays'

/** One transaction of a writer. */
export interface Change {
  readonly atMs: number
  /** Index of the replica that writes. */
  readonly replica: number
  readonly kind: Kind
  readonly table: 'revenues' | 'expenses'
  readonly amount: number
  /** The reports it concerns, all of one property, newest first. */
  readonly reports: readonly [ReportId, ...ReportId[]]
  /** The replica that is busy loading the report, for the first time and slowly, while this commits. */
  readonly loading?: number
  /** Whether the story tells of it. */
  readonly told: boolean
}

/** One view of a page, besides those that follow each change. */
export interface View {
  readonly atMs: number
  readonly replica: number
  readonly report: ReportId
}

/** What happens, the same for every cache. */
export interface Traffic {
  /** Read once by every replica before the clock starts. */
  readonly warm: readonly ReportId[]
  readonly changes: readonly Change[]
  readonly views: readonly View[]
}

/** The processes of the service. */
export const REPLICAS = ['replica-1', 'replica-2', 'replica-3']
/** How long the slow loads take, and how soon after their start the change is made. */
export const SLOW_LOAD = { takesMs: 200, changedAfterMs: 20 }

const ORGANISATIONS = 3
const PROPERTIES = 3
/** Ages in days of the reports that people look at, most read first; those read once are not among them. */
const AGES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 45]
const RUN_MS = 3_500
const TOLD_EVERY_MS = 200
const CHANGE_EVERY_MS = 55
const VIEW_EVERY_MS = 4

const KINDS: readonly Kind[] = ['create', 'create', 'update', 'delete', 'approve', 'approve', 'approveDays']

/** Some seconds of a service's life. `today` is the date that age 0 means. */
export function makeTraffic(seed: number, today: string): Traffic {
  const random = seededRandom(seed)
  const report = (orgId: number, propertyId: number, age: number): ReportId => ({
    orgId,
    propertyId,
    date: new Date(Date.parse(today) - age * 86_400_000).toISOString().slice(0, 10),
  })
  const someReport = () => {
    const age = AGES[Math.min(random.between(0, 11), random.between(0, 11), random.between(0, 11))] ?? 0
    return { orgId: random.between(1, ORGANISATIONS), propertyId: random.between(1, PROPERTIES), age }
  }

  const tell = (change: Omit<Change, 'told' | 'atMs'>, at: number): Change => {
    return { ...change, told: true, atMs: 100 + at * TOLD_EVERY_MS }
  }
  const days = [2, 3, 4, 5, 6].map((age) => report(3, 2, age)) as [ReportId, ...ReportId[]]
  const story = (
    [
      { replica: 0, kind: 'create', table: 'revenues', amount: 4_200, reports: [report(1, 1, 0)] },
      { replica: 1, kind: 'update', table: 'expenses', amount: 1_350, reports: [report(1, 2, 1)] },
      { replica: 2, kind: 'delete', table: 'revenues', amount: 0, reports: [report(2, 1, 2)] },
      { replica: 0, kind: 'approve', table: 'revenues', amount: 0, reports: [report(2, 3, 45)] },
      { replica: 1, kind: 'approveDays', table: 'revenues', amount: 0, reports: days },
      {
        replica: 2,
        kind: 'create',
        table: 'expenses',
        amount: 2_500,
        reports: [report(1, 3, 40)],
        loading: 0,
      },
    ] satisfies Omit<Change, 'told' | 'atMs'>[]
  ).map(tell)

  const changes: Change[] = [...story]
  let unread = 41
  for (let at = 100 + (story.length + 1) * TOLD_EVERY_MS; at < RUN_MS - 300; at += CHANGE_EVERY_MS) {
    const slow = changes.length % 15 === 14
    const { orgId, propertyId, age } = someReport()
    const change = someChange(random, report(orgId, propertyId, slow ? unread++ : age))
    const range = [age, age + 1, age + 2].map((one) => report(orgId, propertyId, one))
    if (slow)
      changes.push({ ...change, kind: 'create', atMs: at, loading: (change.replica + 1) % REPLICAS.length })
    else if (change.kind === 'approveDays')
      changes.push({ ...change, atMs: at, reports: range as [ReportId] })
    else changes.push({ ...change, atMs: at })
  }

  const views: View[] = []
  for (let replica = 0; replica < REPLICAS.length; replica++) {
    for (let at = 0; at < RUN_MS; at += random.wait(VIEW_EVERY_MS)) {
      const { orgId, propertyId, age } = someReport()
      views.push({ atMs: at, replica, report: report(orgId, propertyId, age) })
    }
    for (const { atMs, loading, reports } of changes) {
      if (loading === undefined) continue
      for (let at = atMs + 500; at < RUN_MS; at += 100) views.push({ atMs: at, replica, report: reports[0] })
    }
  }
  views.sort((one, other) => one.atMs - other.atMs)
  const warm: ReportId[] = []
  for (let org = 1; org <= ORGANISATIONS; org++)
    for (let property = 1; property <= PROPERTIES; property++)
      for (const age of AGES) warm.push(report(org, property, age))
  return { warm, changes, views }
}

function someChange(random: Random, report: ReportId): Omit<Change, 'atMs'> {
  return {
    replica: random.between(0, REPLICAS.length - 1),
    kind: random.pick(KINDS),
    table: random.pick(['revenues', 'expenses']),
    amount: random.between(100, 9_999),
    reports: [report],
    told: false,
  }
}
