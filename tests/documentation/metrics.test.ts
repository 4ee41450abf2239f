import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createMeter } from '../../src/cli/metrics/meters.ts'
import { formatExposition } from '../../src/cli/metrics/exposition.ts'
import { parseExposition } from '../support/exposition.ts'
import { readTable } from '../support/markdown.ts'
import { METRICS, prometheusName } from '../../src/telemetry/metrics.ts'
import { readJson, readText } from '../support/project.ts'

/** The dashboard, the alerts and the table of metrics, against what the commands serve. */

interface Dashboard {
  readonly uid: string
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly gridPos: { readonly x: number; readonly w: number }
    readonly targets: readonly { readonly expr: string }[]
  }[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly definition?: string }[]
  }
}

const SERVED = (['gateway', 'forward-auth', 'endpoint'] as const).flatMap((source) => {
  const { measure, followKeys, families } = createMeter(source)
  measure({ type: 'keys', result: 'fetched', ageMs: 0, verifier: 'jwt' })
  followKeys(() => 0)
  return parseExposition(formatExposition(families()))
})
const NAMES = new Set(Object.values(METRICS).map(prometheusName))

const SAMPLES = SERVED.flatMap(({ samples }) => samples)

/** All values of a label of a metric. */
function valuesOf(name: string, label: string): readonly (string | undefined)[] {
  return SAMPLES.filter((sample) => sample.name === name).map(({ labels }) => labels[label])
}

const dashboard = readJson<Dashboard>('examples/grafana/with-auth.json')
const page = readText('docs/metrics.md')
const { groups } = parse(readText('examples/prometheus/with-auth.rules.yml')) as {
  groups: { rules: { alert: string; expr: string }[] }[]
}
const rules = groups.flatMap((group) => group.rules)
const alerts = rules.map(({ expr }) => expr)
/** The Prometheus exporter of the SDK leaves out the unit, so expressions take both names. Here they have the one of the commands. */
const withUnit = (expr: string): string =>
  expr.replaceAll(/\{__name__=~"(\w+)\(_seconds\)\?(\w*)",?/g, '$1_seconds$2{')
const written = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
  ...alerts,
]
const expressions = written.map(withUnit)

/** `name{label="value"}` of an expression, each with its matchers. */
function selectorsOf(
  expr: string,
): { name: string; label: string; operator: string; text: string }[] {
  return [...expr.matchAll(/(with_auth_\w+)\{([^}]*)\}/g)].flatMap(([, name = '', inside = '']) =>
    [...inside.matchAll(/(\w+)(=~|!=|!~|=)"([^"]*)"/g)].map(
      ([, label = '', operator = '', text = '']) => ({ name, label, operator, text }),
    ),
  )
}

describe('the dashboard and the alerts', () => {
  it.each(expressions)('use metrics that are served: %s', (expr) => {
    const named = [...expr.matchAll(/with_auth_\w+/g)].map(([name]) => name)
    expect(named).not.toEqual([])
    const families = named.map((name) => name.replace(/_(?:bucket|sum|count)$/, ''))
    expect(families.filter((name) => !NAMES.has(name))).toEqual([])
  })

  it.each(expressions)('use labels and values that there are: %s', (expr) => {
    // The job comes from Prometheus.
    const own = selectorsOf(expr).filter(({ label }) => label !== 'job')
    const unknown = own.filter(
      ({ name, label, text }) =>
        !text.split('|').every((value) => valuesOf(name, label).includes(value)),
    )
    expect(unknown).toEqual([])
    const [name = ''] = /with_auth_\w+/.exec(expr) ?? []
    const grouped = [...expr.matchAll(/ by \((\w+)\)/g)].map(([, label = '']) => label)
    expect(grouped.filter((label) => valuesOf(name, label).includes(undefined))).toEqual([])
  })

  it('stand on the page, each alert with its cause', () => {
    const names = readTable(page, 'alert').map(([name]) => name)
    expect(names).toEqual(rules.map(({ alert }) => alert))
  })
})
