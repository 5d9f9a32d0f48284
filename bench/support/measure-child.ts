/** One measurement of one contender, in this process. Started by `measure-contender.ts`. */
import { type MeasureName, measures } from '../measures/measures.ts'
import { contenderOf } from './contenders.ts'

const [name, contender, port, effort] = process.argv.slice(2)
const kind = await contenderOf(contender as string)
const measured = await measures[name as MeasureName]({
  kind: { ...kind, open: (options) => kind.open({ ...options, patient: true }) },
  quick: effort === 'quick',
  full: effort === 'full',
  port: Number(port),
})
process.send?.(measured, undefined, {}, () => process.exit())
