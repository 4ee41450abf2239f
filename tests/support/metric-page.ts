import { METRICS, prometheusName } from '../../src/telemetry/metrics.ts'
import { renderTable } from './markdown.ts'
import type { Metric } from '../../src/telemetry/metrics.ts'

const SECTION = /(?<=<!-- metrics: begin -->\n).*?(?=\n<!-- metrics: end -->)/s
const HEAD = ['OpenTelemetry', 'Prometheus', 'meaning', 'labels', 'commands']

/** The page with the table of all metrics. */
export function withMetrics(page: string): string {
  if (!SECTION.test(page)) throw new Error('The page has no place for the metrics')
  const rows = Object.values(METRICS).map(describeMetric)
  return page.replace(SECTION, () => `\n${renderTable([HEAD, ...rows])}\n`)
}

function describeMetric(metric: Metric): readonly string[] {
  const { name, type, help, labels = [], sources } = metric
  const kind = type === 'histogram' ? 'histogram: ' : ''
  const commands = sources.filter((source) => source !== 'library').map((one) => `\`${one}\``)
  const isEverywhere = sources.length === 4
  return [
    sources.includes('library') ? `\`${name}\`` : '',
    `\`${prometheusName(metric)}\``,
    kind + (kind === '' ? help : help.charAt(0).toLowerCase() + help.slice(1)),
    labels.map((label) => `\`${label}\``).join(', '),
    isEverywhere ? 'all' : commands.join(', '),
  ]
}
