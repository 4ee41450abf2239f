import type { Sample } from '../../telemetry/counts.ts'

/** A metric as it is now. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly NamedSample[]
}

interface NamedSample extends Sample {
  /** The end of the name, in a histogram. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
}

/** The content type of Prometheus' text format. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Writes families in Prometheus' text format 0.0.4, without those that have no sample. */
export function formatExposition(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(
        ({ suffix = '', labels, value }) => `${name}${suffix}${formatLabels(labels)} ${value}`,
      ),
    ])
    .map((row) => `${row}\n`)
    .join('')
}

// Values of labels come from closed lists, or from this package, and need no escape.
function formatLabels(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}
