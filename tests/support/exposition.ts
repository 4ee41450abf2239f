/** One line of Prometheus' text format. */
export interface ScrapedSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface ScrapedFamily {
  readonly name: string
  readonly type: string
  readonly samples: readonly ScrapedSample[]
}

/** The ends of the names of samples, for each type. */
const SUFFIXES = new Map([
  ['counter', ['']],
  ['gauge', ['']],
  ['histogram', ['_bucket', '_sum', '_count']],
])

/**
 * Parses Prometheus' text format 0.0.4 more strictly than Prometheus does: each family has HELP, then TYPE, then its samples
 * without a gap, and nothing comes twice.
 */
export function parseExposition(text: string): readonly ScrapedFamily[] {
  if (!text.endsWith('\n')) throw new SyntaxError('The last line is not ended')
  const lines = text.slice(0, -1).split('\n')
  const starts = lines.flatMap((line, index) => (line.startsWith('# HELP ') ? [index] : []))
  if (starts[0] !== 0) throw new SyntaxError(lines[0])
  const families = starts.map((start, index) => parseFamily(lines.slice(start, starts[index + 1])))
  rejectDoubles(families.map(({ name }) => name))
  return families
}

function parseFamily([help = '', type = '', ...rows]: readonly string[]): ScrapedFamily {
  const [, name = ''] = /^# HELP ([a-z_:][a-z\d_:]*) \S.*$/.exec(help) ?? []
  const [, typed, kind = ''] = /^# TYPE (\S+) (\w+)$/.exec(type) ?? []
  const suffixes = SUFFIXES.get(kind)
  if (name === '' || typed !== name || suffixes === undefined) throw new SyntaxError(type)
  const samples = rows.map(parseSample)
  const isStray = (sample: ScrapedSample): boolean =>
    !suffixes.some((suffix) => sample.name === name + suffix)
  if (samples.length === 0 || samples.some(isStray)) throw new SyntaxError(name)
  rejectDoubles(samples.map((sample) => sample.name + JSON.stringify(sample.labels)))
  return { name, type: kind, samples }
}

function rejectDoubles(names: readonly string[]): void {
  if (new Set(names).size !== names.length) throw new SyntaxError(`Twice: ${names.join()}`)
}

function parseSample(line: string): ScrapedSample {
  const [, name, pairs, value] =
    /^([a-z_:][a-z\d_:]*)(?:\{(.+)\})? (-?\d+(?:\.\d+)?(?:e-?\d+)?)$/.exec(line) ?? []
  if (name === undefined || value === undefined) throw new SyntaxError(line)
  const labels = (pairs?.split(',') ?? []).map((pair) => {
    const [, label, text] = /^([a-z_][a-z\d_]*)="([\w.+-]*)"$/.exec(pair) ?? []
    if (label === undefined || text === undefined) throw new SyntaxError(line)
    return [label, text] as const
  })
  rejectDoubles(labels.map(([label]) => label))
  return { name, labels: Object.fromEntries(labels), value: Number(value) }
}

/** The value of one sample, or `undefined` if there is none. */
export function valueOf(
  families: readonly ScrapedFamily[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const isWanted = (sample: ScrapedSample): boolean =>
    sample.name === name &&
    Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
  const found = families.flatMap(({ samples }) => samples).filter(isWanted)
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
}
