import { METRICS, prometheusName } from '../../src/telemetry/metrics.ts'
import { renderTable } from '../../tests/support/markdown.ts'
import type { Metric } from '../../src/telemetry/metrics.ts'

const SECTION = /(?<=<!-- metrics: begin -->\n).*?(?=\n<!-- metrics: end -->)/s
const HEAD = ['OpenTelemetry', 'Prometheus', 'meaning', 'labels', 'commands']

/** The page with the table of all metrics. */
export function withMetrics(page: string): string {
  if (!SECTION.test(page)) throw new Error('The page has no place for the metrics')
  const rows = Object.values(METRICS).map(describeMetric)
  return page.replace(SECTION, () => `\n${renderTable([HEAD, ...rows])}\n`)
}

const NAMES = /(?<=<!-- names: begin -->\n).*?(?=\n<!-- names: end -->)/s
const NAMES_HEAD = ['OpenTelemetry', 'OTLP, and the Collector', 'Prometheus exporter of the SDK']

/** The page with the names that Prometheus gets of the library in each way. */
export function withExportedNames(page: string, names: readonly (readonly string[])[]): string {
  if (!NAMES.test(page)) throw new Error('The page has no place for the names')
  const rows = names.map((row) => row.map((one) => `\`${one}\``))
  return page.replace(NAMES, () => `\n${renderTable([NAMES_HEAD, ...rows])}\n`)
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
