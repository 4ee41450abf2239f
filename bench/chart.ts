/** A bar of a chart. */
export interface Bar {
  readonly label: string
  readonly value: number
  /** The value as the chart shows it. */
  readonly text: string
  /** Drawn in the accent color: it is this package. */
  readonly isOurs: boolean
}

/** Bars below one heading. */
export interface Group {
  readonly label?: string
  readonly bars: readonly Bar[]
}

const WIDTH = 760
const EDGE = 24
const LABELS = 270
const VALUES = 90
const ROW = 26
const BAR = 16
// With a background of its own a picture is readable on any page, whatever the page's colors are.
const STYLE = `.paper { fill: #ffffff; stroke: #d0d7de }
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 15px }
    .note { fill: #59636e }
    .group { font-weight: 600 }
    .other { fill: #818b98 }
    .ours { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #3d444d }
      text { fill: #f0f6fc }
      .note { fill: #9198a1 }
      .other { fill: #656c76 }
      .ours { fill: #4493f8 }
    }`

/** A chart of horizontal bars as SVG, for light and dark pages. Draws the bars in the order in which they are given. */
export function drawBars(title: string, note: string, groups: readonly Group[]): string {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ value }) => value)))
  const scale = (WIDTH - 2 * EDGE - LABELS - VALUES) / most
  const lines: string[] = []
  let y = 72
  for (const { label, bars } of groups) {
    if (label !== undefined) {
      lines.push(text(EDGE, y + 12, label, 'group'))
      y += ROW
    }
    for (const bar of bars) {
      lines.push(drawBar(bar, y, scale))
      y += ROW
    }
    y += ROW / 3
  }
  const height = Math.ceil(y + EDGE / 2)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">
  <title id="title">${escape(describe(title, groups))}</title>
  <style>
    ${STYLE}
  </style>
  <rect class="paper" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8" />
  ${[text(EDGE, 34, title, 'title'), text(EDGE, 54, note, 'note'), ...lines].join('\n  ')}
</svg>
`
}

function drawBar({ label, value, text: shown, isOurs }: Bar, y: number, scale: number): string {
  const x = EDGE + LABELS
  const width = Math.max(1, value * scale)
  const kind = isOurs ? 'ours' : 'other'
  const rect = `<rect class="${kind}" x="${x}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3" />`
  return [text(EDGE, y + 12, label), rect, text(x + width + 8, y + 12, shown)].join('')
}

function text(x: number, y: number, content: string, kind?: string): string {
  const attribute = kind === undefined ? '' : ` class="${kind}"`
  return `<text x="${Number(x.toFixed(1))}" y="${y.toFixed(1)}"${attribute}>${escape(content)}</text>`
}

/** For screen readers. */
function describe(title: string, groups: readonly Group[]): string {
  const bars = groups.flatMap(({ label, bars: all }) =>
    all.map((bar) => `${label === undefined ? '' : `${label}, `}${bar.label}: ${bar.text}`),
  )
  return `${title}. ${bars.join('; ')}.`
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
