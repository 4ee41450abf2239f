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

/** Parses Prometheus' text format 0.0.4. The tests in tests/prometheus check it with `promtool check metrics` too. */
export function parseExposition(text: string): readonly ScrapedFamily[] {
  return text.split(/^(?=# HELP )/m).map((block) => {
    const [, type = '', ...rows] = block.trimEnd().split('\n')
    const [, name = '', kind = ''] = /^# TYPE (\S+) (\w+)$/.exec(type) ?? []
    return { name, type: kind, samples: rows.map(parseSample) }
  })
}

function parseSample(line: string): ScrapedSample {
  const [, name, pairs = '', value] =
    /^([a-z_:][a-z\d_:]*)(?:\{(.+)\})? (-?\d+(?:\.\d+)?(?:e-?\d+)?)$/.exec(line) ?? []
  const labels = [...pairs.matchAll(/([a-z_][a-z\d_]*)="([\w.+-]*)"/g)]
  const isWhole = labels.map(([whole]) => whole).join() === pairs
  if (name === undefined || !isWhole) throw new SyntaxError(line)
  const named = labels.map(([, label = '', text = '']) => [label, text] as const)
  return { name, labels: Object.fromEntries(named), value: Number(value) }
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
