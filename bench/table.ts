import type { Row } from './section.ts'

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

/** The rows of a match as a Markdown table. */
export function renderTable(rows: readonly Row[]): string {
  return toMarkdown([COLUMNS, ...rows.map(renderRow)])
}

function renderRow(row: Row): string[] {
  return [
    row.name,
    row.perSecond.toLocaleString('en'),
    `${percent(row.ofFirst)} (${percent(row.leastOfFirst)}-${percent(row.mostOfFirst)})`,
    `${row.cpuMicroseconds.toFixed(1)} µs`,
    percent(row.cpuOfFirst),
    `${row.p50Ms.toFixed(2)} ms`,
    `${row.p99Ms.toFixed(2)} ms`,
    row.callsPerRequest.toFixed(2),
    `${Math.round(100 * row.endpointLoad)} %`,
    `${row.residentMiB} MiB`,
  ]
}

/** A ratio, as a fraction if it is small. */
export function percent(ratio: number): string {
  if (ratio > 0 && ratio < 0.05) return `1/${Math.round(1 / ratio)}`
  return ratio < 10 ? `${Math.round(ratio * 100)} %` : `${ratio.toFixed(0)} x`
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
