import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createEndpointMeter, createGuardMeter } from '../../src/cli/metrics/meters.ts'
import { formatExposition } from '../../src/cli/metrics/exposition.ts'
import { parseExposition } from '../support/exposition.ts'
import { readTable, withoutBackticks } from '../support/markdown.ts'
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

const guard = createGuardMeter()
guard.measure({ type: 'keys', result: 'fetched', ageMs: 0, verifier: 'jwt' })
const meters = [guard, createEndpointMeter()]
const FAMILIES = parseExposition(
  meters.map(({ families }) => formatExposition(families())).join(''),
)

const SAMPLES = FAMILIES.flatMap(({ samples }) => samples)
const NAMES = new Set(SAMPLES.map(({ name }) => name))

/** All values of a label of a metric. */
function valuesOf(name: string, label: string): readonly (string | undefined)[] {
  return SAMPLES.filter((sample) => sample.name === name).map(({ labels }) => labels[label])
}

const dashboard = readJson<Dashboard>('examples/grafana/with-auth.json')
const page = readText('docs/observability.md')
const [, yaml = ''] = /```yaml\n(groups:[^`]*)```/.exec(page) ?? []
const { groups } = parse(yaml) as {
  groups: { rules: { alert: string; expr: string }[] }[]
}
const alerts = groups.flatMap(({ rules }) => rules.map(({ expr }) => expr))
const expressions = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
  ...alerts,
]

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
    expect(named.filter((name) => !NAMES.has(name))).toEqual([])
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

  it('alert if every request is rejected because the proxy is not configured', () => {
    expect(alerts.filter((expr) => expr.includes('|proxy_misconfigured'))).toHaveLength(1)
  })

  it('balance their brackets', () => {
    const isOff = (expr: string): boolean =>
      ['()', '[]', '{}'].some(
        ([open = '', end = '']) => expr.split(open).length !== expr.split(end).length,
      )
    expect(expressions.filter(isOff)).toEqual([])
  })

  it('together use every metric', () => {
    const used = expressions.join('\n')
    expect(FAMILIES.filter(({ name }) => !used.includes(name))).toEqual([])
    expect(alerts).toHaveLength(2)
  })

  it('have panels with ids of their own, in 24 columns', () => {
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([])
  })
})

it('the table of metrics has each metric once, by its name for OpenTelemetry and for Prometheus', () => {
  const rows = readTable(page, 'OpenTelemetry').map((cells) => cells.map(withoutBackticks))
  expect(rows.map(([, name]) => name)).toEqual(FAMILIES.map(({ name }) => name))
  // What a Prometheus exporter of OpenTelemetry makes of a name: the unit, and `_total` of a counter.
  const ends: Readonly<Record<string, string>> = { histogram: '_seconds', counter: '_total' }
  for (const [name = '', exported = ''] of rows.filter(([first]) => first !== '')) {
    const type = FAMILIES.find((family) => family.name === exported)?.type ?? ''
    const end = exported.includes('_age_') ? '_seconds' : (ends[type] ?? '')
    expect(exported).toBe(name.replaceAll('.', '_') + end)
  }
})
