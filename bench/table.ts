import type { Measured, Sample } from './measure.ts'

const COLUMNS = [
  '',
  'requests/s',
  'of the first (min-max)',
  'CPU a request',
  'of the first',
  'p50',
  'p99',
  'endpoint calls',
  'endpoint busy',
  'memory',
]

/**
 * One row per contestant: medians over the rounds, and the ratio to the first contestant in the same round. CPU is the
 * lowest of all rounds, since other processes can only add to it.
 */
export function renderTable(measured: readonly Measured[]): string {
  const [first] = measured
  if (first === undefined) return ''
  const rows = measured.map((one) => renderRow(one, first))
  return toMarkdown([COLUMNS, ...rows])
}

function renderRow({ name, samples, residentBytes }: Measured, first: Measured): string[] {
  const ratios = samples.map(
    ({ perSecond }, round) => perSecond / (first.samples[round]?.perSecond ?? Number.NaN),
  )
  const middle = (read: (sample: Sample) => number): number => median(samples.map(read))
  const cpu = lowestCpu(samples)
  return [
    name,
    Math.round(middle(({ perSecond }) => perSecond)).toLocaleString('en'),
    `${percent(median(ratios))} (${percent(Math.min(...ratios))}-${percent(Math.max(...ratios))})`,
    `${cpu.toFixed(1)} µs`,
    percent(cpu / lowestCpu(first.samples)),
    milliseconds(middle(({ p50 }) => p50)),
    milliseconds(middle(({ p99 }) => p99)),
    middle(({ callsPerRequest }) => callsPerRequest).toFixed(2),
    `${Math.round(100 * middle(({ endpointLoad }) => endpointLoad))} %`,
    `${Math.round(residentBytes / 2 ** 20)} MiB`,
  ]
}

/** Microseconds of CPU per request in the best round. */
export function lowestCpu(samples: readonly Sample[]): number {
  return Math.min(...samples.map(({ cpuMicroseconds }) => cpuMicroseconds))
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** A ratio, as a fraction if it is small. */
export function percent(ratio: number): string {
  if (ratio > 0 && ratio < 0.05) return `1/${Math.round(1 / ratio)}`
  return ratio < 10 ? `${Math.round(ratio * 100)} %` : `${ratio.toFixed(0)} x`
}

function milliseconds(microseconds: number): string {
  return `${(microseconds / 1000).toFixed(2)} ms`
}

/** A Markdown table in the style of the formatter. The first column is left-aligned, the others are right-aligned. */
export function toMarkdown([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(3, ...[head, ...rows].map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  )
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}
