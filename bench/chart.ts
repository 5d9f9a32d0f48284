/** A line or a row of points in a chart. */
export interface Series {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Dots, for what was measured; a line, for what was computed. @default 'line' */
  readonly as?: 'line' | 'dots'
}

/** A chart of lines over an axis that grows by factors. */
export interface LineChart {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly mostY: number
  readonly series: readonly Series[]
}

/** Bars of several parts that make up a whole. */
export interface BarChart {
  readonly title: string
  readonly parts: readonly string[]
  readonly bars: readonly { readonly label: string; readonly shares: readonly number[] }[]
}

const WIDTH = 720
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#b8860b']
/** Colours that can be read on white as on black, and text that follows the reader's choice of the two. */
const STYLE = `
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .faint { fill: #59636e } .grid { stroke: #d1d9e0 }
  .own { fill: #0072b2 } .bar { fill: #a8b3bf } .whisker { stroke: #59636e; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #f0f6fc } .faint { fill: #9198a1 } .grid { stroke: #3d444d }
    .own { fill: #4fa8dd } .bar { fill: #4b5662 } .whisker { stroke: #b1bac4 }
  }
  text { font: 13px system-ui, sans-serif }
  .title { font-size: 15px; font-weight: 600 }
`

/** Lines over a logarithmic axis, as SVG. */
export function lineChart({ title, x, y, mostY, series }: LineChart): string {
  const height = 380
  const [left, right, top, bottom] = [60, WIDTH - 20, 50, height - 78]
  const all = series.flatMap(({ points }) => points.map(([at]) => at))
  const [least, most] = [Math.log(Math.min(...all)), Math.log(Math.max(...all))]
  const toX = (at: number) => left + ((Math.log(at) - least) / (most - least)) * (right - left)
  const toY = (at: number) => bottom - (Math.min(at, mostY) / mostY) * (bottom - top)
  const rows = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = part * mostY
    return `<line class="grid" x1="${left}" x2="${right}" y1="${toY(at)}" y2="${toY(at)}"/>${text(left - 8, toY(at) + 4, shown(at), 'faint', 'end')}`
  })
  const ticks = [...new Set(all)].sort((one, other) => one - other)
  const columns = ticks.map((at) => text(toX(at), bottom + 18, shown(at), 'faint', 'middle'))
  const lines = series.map(({ points, as = 'line' }, index) => {
    const colour = COLOURS[index % COLOURS.length]
    if (as === 'dots')
      return points
        .map(
          ([at, value]) =>
            `<circle cx="${round(toX(at))}" cy="${round(toY(value))}" r="4.5" fill="${colour}"/>`,
        )
        .join('')
    const path = points.map(([at, value]) => `${round(toX(at))},${round(toY(value))}`).join(' ')
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`
  })
  const names = legend(
    series.map(({ name }) => name),
    left,
    height - 16,
  )
  return svg(height, title, [
    ...rows,
    ...columns,
    ...lines,
    names,
    text(left, 42, y, 'faint', 'start'),
    text(right, bottom + 38, x, 'faint', 'end'),
  ])
}

/** A bar for each of those compared, best first. */
export interface RankChart {
  readonly title: string
  /** What the numbers are, and which are better. */
  readonly scale: string
  readonly better: 'more' | 'less'
  readonly bars: readonly {
    readonly label: string
    readonly value: number
    /** The least and the most of several rounds. */
    readonly extremes?: readonly [least: number, most: number]
    /** The one that the chart is about. */
    readonly own?: boolean
  }[]
}

/** Bars of numbers, best first, as SVG. Extremes beyond the longest bar by half are cut off there. */
export function rankChart({ title, scale, better, bars }: RankChart): string {
  const [left, right, first, step] = [160, WIDTH - 90, 62, 28]
  const sorted = [...bars].sort((one, other) => (one.value - other.value) * (better === 'less' ? 1 : -1))
  const height = first + bars.length * step + 14
  const most = Math.max(...bars.map(({ value }) => value)) || 1
  const reach = Math.min(1.5 * most, Math.max(most, ...bars.map(({ extremes }) => extremes?.[1] ?? 0)))
  const toX = (value: number) => left + (Math.min(value, reach) / reach) * (right - left)
  const rows = sorted.map(({ label, value, extremes, own = false }, row) => {
    const y = first + row * step
    const bar = `<rect class="${own ? 'own' : 'bar'}" x="${left}" y="${y}" width="${round(Math.max(1, toX(value) - left))}" height="18"/>`
    const whisker =
      extremes === undefined
        ? ''
        : `<line class="whisker" x1="${round(toX(extremes[0]))}" x2="${round(toX(extremes[1]))}" y1="${y + 9}" y2="${y + 9}"/>`
    const end = Math.max(toX(value), extremes === undefined ? 0 : toX(extremes[1]))
    return `${text(left - 10, y + 14, label, own ? 'ink' : 'faint', 'end')}${bar}${whisker}${text(end + 6, y + 14, shown(value), 'ink', 'start')}`
  })
  return svg(height, title, [text(20, 46, scale, 'faint', 'start'), ...rows])
}

/** Stacked bars of shares, as SVG. */
export function barChart({ title, parts, bars }: BarChart): string {
  const [left, right, first, step] = [200, WIDTH - 20, 48, 34]
  const height = first + bars.length * step + 44
  const rows = bars.map(({ label, shares }, row) => {
    let from = left
    const y = first + row * step
    const pieces = shares.map((share, index) => {
      const width = share * (right - left)
      const x = from
      from += width
      const number =
        width < 34
          ? ''
          : `<text x="${round(x + width / 2)}" y="${y + 17}" fill="#ffffff" text-anchor="middle">${Math.round(100 * share)} %</text>`
      return `<rect x="${round(x)}" y="${y}" width="${round(width)}" height="24" fill="${COLOURS[index]}"/>${number}`
    })
    return text(left - 10, y + 17, label, 'ink', 'end') + pieces.join('')
  })
  return svg(height, title, [...rows, legend(parts, left, height - 16)])
}

function legend(names: readonly string[], left: number, y: number): string {
  let x = left
  return names
    .map((name, index) => {
      const at = x
      x += 30 + 8 * name.length
      return `<rect x="${round(at)}" y="${y - 10}" width="11" height="11" fill="${COLOURS[index % COLOURS.length]}"/>${text(at + 16, y, name, 'ink', 'start')}`
    })
    .join('')
}

function svg(height: number, title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>${STYLE}</style>
<rect class="paper" width="100%" height="100%"/>
<text class="ink title" x="20" y="24">${escaped(title)}</text>
${parts.join('\n')}
</svg>
`
}

function text(x: number, y: number, content: string, kind: 'ink' | 'faint', anchor: string): string {
  return `<text class="${kind}" x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${escaped(content)}</text>`
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(2)))
}

function round(value: number): number {
  return Number(value.toFixed(1))
}
