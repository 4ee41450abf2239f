import { drawBars } from './chart.ts'
import { CONTESTANTS } from './contestants.ts'
import { percent } from './table.ts'
import type { Bar, Group } from './chart.ts'
import type { ContestantId } from './contestants.ts'
import type { Row, Section } from './section.ts'

const HITS = ['kept', 'map', 'kept-hono', 'map-hono', 'bearer-static'] as const
const MISSES = [
  ...(['post-undici', 'transported', 'post-http', 'transported-hono', 'post'] as const),
  ...(['post-hono', 'asked', 'asked-hono'] as const),
]
const REJECTIONS = ['kept', 'kept-hono', 'bearer-static'] as const

/** The charts of `docs/performance.md`, by file. */
export function drawCharts(sections: readonly Section[]): [file: string, svg: string][] {
  const charts = {
    'bench-hit': drawBars(
      'A cached decision: requests beside the same server without a check',
      'More is better. 100 % is the bare handler of the same runtime, or nginx without a check.',
      [
        ...runtimesOf(sections, 'A cached decision, one token', HITS),
        groupOf(sections, 'nginx, one token', 'nginx', ['nginx-cache'], shareOf),
      ],
    ),
    'bench-miss': drawBars(
      'Every token new: requests per second on Node 24',
      'More is better. Each request is one POST to the auth endpoint.',
      [
        groupOf(
          sections,
          'Every token new, and other ways of Node to send a POST: Node 24',
          undefined,
          MISSES,
          rateOf,
        ),
      ],
    ),
    'bench-rejection': drawBars(
      'A cached denial: requests beside a handler that allows all',
      'More is better. 100 % is the bare handler of the same runtime.',
      runtimesOf(sections, 'Rejected: a cached denial', REJECTIONS),
    ),
  }
  return Object.entries(charts).map(([name, svg]) => [`docs/pictures/${name}.svg`, svg])
}

type ToBar = (row: Row) => Pick<Bar, 'value' | 'text'>

const shareOf: ToBar = ({ ofFirst }) => ({ value: ofFirst, text: percent(ofFirst) })
const rateOf: ToBar = ({ perSecond }) => ({
  value: perSecond,
  text: perSecond.toLocaleString('en'),
})

/** A group for each runtime of a match. */
function runtimesOf(
  sections: readonly Section[],
  title: string,
  ids: readonly ContestantId[],
): Group[] {
  return sections
    .filter(({ heading }) => heading.startsWith(`${title}: `))
    .map(({ heading }) => groupOf(sections, heading, heading.slice(title.length + 2), ids, shareOf))
}

function groupOf(
  sections: readonly Section[],
  heading: string,
  label: string | undefined,
  ids: readonly ContestantId[],
  toBar: ToBar,
): Group {
  const rows = sections.find((section) => section.heading === heading)?.rows ?? []
  const bars = ids.flatMap((id) => {
    const { name } = CONTESTANTS[id]
    const row = rows.find((one) => one.name === name)
    const isOurs = name.startsWith('**')
    return row === undefined ? [] : [{ label: name.replaceAll('**', ''), isOurs, ...toBar(row) }]
  })
  return label === undefined ? { bars } : { label, bars }
}
