import type { KeyChecks } from '../../../keys.ts'

const SVG = 'http://www.w3.org/2000/svg'
const [HEIGHT, STEP, BAR] = [24, 4, 3]

/** A bar for each day, the newest on the right, with its numbers as a label. */
export function drawChecks({ today, last7Days, last30Days, days }: KeyChecks): SVGElement {
  const chart = element('svg', {
    role: 'img',
    viewBox: `0 0 ${days.length * STEP} ${HEIGHT}`,
    'aria-label': `Checks: ${today} today, ${last7Days} in 7 days, ${last30Days} in 30 days`,
  })
  const title = element('title', {})
  title.textContent = chart.getAttribute('aria-label')
  const most = Math.max(1, ...days.map(({ checks }) => checks))
  const bars = days.map(({ checks }, index) => {
    // A day without checks has a line.
    const height = checks === 0 ? 0.5 : Math.max(2, (checks / most) * HEIGHT)
    return element('rect', { x: index * STEP, y: HEIGHT - height, width: BAR, height })
  })
  chart.append(title, ...bars)
  return chart
}

function element(
  name: 'svg' | 'title' | 'rect',
  attributes: Readonly<Record<string, string | number>>,
): SVGElement {
  const made = document.createElementNS(SVG, name)
  for (const [attribute, value] of Object.entries(attributes)) {
    made.setAttribute(attribute, String(value))
  }
  return made
}
