import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { formatExposition } from '../../src/cli/metrics/exposition.ts'
import { createMeter } from '../../src/cli/metrics/meters.ts'
import { whyMissing } from '../support/installed.ts'
import { readJson, readText } from '../support/project.ts'
import { setupFolder } from '../support/temporary-folder.ts'

/** The alerts with their full durations, and the expressions of the dashboard, by `promtool`. */

const FILE = 'examples/prometheus/with-auth.rules.yml'
const missing = whyMissing(['promtool', '--version'], 'prometheus')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}

interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
}

const { groups } = parse(readText(FILE)) as { groups: { rules: Rule[] }[] }
const RULES = groups.flatMap(({ rules }) => rules)

/** For 40 minutes, a value for each quarter of a minute. */
const INTERVAL_S = 15
const SAMPLES = 160

type Series = Readonly<Record<string, string>>

/** A counter that grows by so many in a minute. */
const each = (count: number): string => `0+${(count * INTERVAL_S) / 60}x${SAMPLES}`
const always = (value: number): string => `${value}x${SAMPLES}`

const decisions = (labels: string): string => `with_auth_decisions_total{${labels}}`
const allow = decisions('outcome="allow",cache="miss"')
const publicPath = decisions('outcome="public",cache="off"')
const deny = (reason: string, more = ''): string =>
  decisions(`outcome="deny",reason="${reason}",cache="off"${more}`)
const answers = (status: string): string => `with_auth_endpoint_responses_total{status="${status}"}`
const upstream = (status: string): string =>
  `with_auth_upstream_responses_total{status="${status}"}`
const failures = (code: string): string => `with_auth_upstream_failures_total{code="${code}"}`
const events = (type: string): string => `with_auth_events_total{type="${type}"}`
const fetches = (result: string): string => `with_auth_keys_fetches_total{result="${result}"}`

/** All series that the rules read, as they are before anything happens. */
const QUIET: Series = {
  up: always(1),
  'with_auth_build_info{version="0.1.0"}': always(1),
  ...Object.fromEntries(
    [
      allow,
      publicPath,
      ...['denied', 'forbidden', 'timeout', 'missing_credentials', 'proxy_misconfigured'].map(
        (reason) => deny(reason),
      ),
      ...['200', '2xx', '3xx', '401', '403', '429', '4xx', '5xx', 'none'].map(answers),
      ...['2xx', '5xx'].map(upstream),
      ...['upstream_unreachable', 'client_left'].map(failures),
      ...['keys_error', 'dropped'].map(events),
      ...['ok', 'error'].map(fetches),
    ].map((name) => [name, each(0)]),
  ),
  'with_auth_circuit_state{tokens="known"}': always(0),
  'with_auth_circuit_state{tokens="unknown"}': always(0),
  with_auth_store_up: always(1),
  with_auth_revocations_pending: always(0),
  with_auth_config_reload_successful: always(1),
}

/** A tenth of the keys is wrong. */
const LOAD: Series = {
  [allow]: each(540),
  [deny('denied')]: each(60),
  [deny('missing_credentials')]: each(30),
  [answers('200')]: each(60),
  [answers('401')]: each(60),
  [upstream('2xx')]: each(540),
  [fetches('ok')]: each(0.1),
}

const WEEK_S = 7 * 86_400

/** The series that fire each alert, in a process that otherwise has ordinary load. */
const FIRES: Readonly<Record<string, readonly Series[]>> = {
  WithAuthDown: [
    { up: '1x80 0x80', 'with_auth_build_info{version="0.1.0"}': '1x80 stale', ...stopped() },
  ],
  WithAuthOutage: [
    { ...stopped(), [deny('timeout')]: each(40) },
    // Public requests say nothing about keys.
    { ...stopped(), [publicPath]: each(10_000), [deny('timeout')]: each(40) },
    // A scanner without keys says nothing about them either.
    { ...stopped(), [deny('missing_credentials')]: each(10_000), [deny('timeout')]: each(40) },
    { [deny('timeout')]: each(60) },
  ],
  WithAuthKnownCallersRejected: [
    { 'with_auth_circuit_state{tokens="known"}': always(2), [deny('circuit_open')]: each(1) },
  ],
  WithAuthEndpointMisconfigured: [
    { ...stopped(), [deny('denied')]: each(1.2), [answers('4xx')]: each(1.2) },
    { ...stopped(), [deny('forbidden')]: each(1.2), [answers('403')]: each(1.2) },
  ],
  WithAuthNobodyAllowed: [{ ...stopped(), [deny('denied')]: each(2), [answers('401')]: each(2) }],
  WithAuthKeysGuessed: [{ [deny('denied')]: each(1000), [answers('401')]: each(1000) }],
  WithAuthStaleDecisions: [{ [decisions('outcome="allow",cache="stale"')]: each(1) }],
  WithAuthProxyMisconfigured: [{ [deny('proxy_misconfigured')]: each(10) }],
  WithAuthUpstreamFails: [
    { [upstream('2xx')]: each(54), [failures('upstream_unreachable')]: each(486) },
    { [upstream('2xx')]: each(400), [upstream('5xx')]: each(140) },
  ],
  WithAuthStoreLost: [{ with_auth_store_up: always(0) }],
  WithAuthRevocationPending: [{ with_auth_revocations_pending: always(1) }],
  WithAuthReloadFailed: [{ with_auth_config_reload_successful: always(0) }],
  WithAuthKeysUnreadable: [{ [events('keys_error')]: `0x100 1x60` }],
  WithAuthKeyExpiresSoon: [{ with_auth_keys_next_expiry_timestamp_seconds: always(WEEK_S - 3600) }],
  WithAuthSigningKeysNotFetched: [{ [fetches('ok')]: each(0), [fetches('error')]: each(1) }],
  WithAuthLogLinesDropped: [{ [events('dropped')]: `0x100 50x60` }],
}

/** The series that must stay silent. */
const SILENT: Readonly<Record<string, Series>> = {
  'no load': stopped(),
  'ordinary load with a tenth of wrong keys': {},
  'one timeout in fifty requests': { ...stopped(), [allow]: each(49), [deny('timeout')]: each(1) },
  'one timeout on an idle process': { ...stopped(), [deny('timeout')]: `0x100 1x60` },
  'an outage in shadow mode': { [deny('timeout', ',shadow="true"')]: each(500) },
  'an open circuit in shadow mode': {
    'with_auth_circuit_state{tokens="known"}': always(2),
    [deny('circuit_open', ',shadow="true"')]: each(500),
  },
  'a circuit of unknown tokens alone': { 'with_auth_circuit_state{tokens="unknown"}': always(2) },
  'a scanner without keys': { ...stopped(), [deny('missing_credentials')]: each(5000) },
  'some callers that are forbidden': {
    [deny('forbidden')]: each(200),
    [answers('403')]: each(200),
  },
  'clients that leave': { [failures('client_left')]: each(400) },
  'a key that expires in a month': {
    with_auth_keys_next_expiry_timestamp_seconds: always(30 * 86_400),
  },
  'a failed fetch of signing keys between good ones': { [fetches('error')]: each(1) },
}

/** No request comes any more. */
function stopped(): Series {
  return Object.fromEntries(Object.keys(LOAD).map((name) => [name, each(0)]))
}

/** One process. */
function seriesOf(instance: string, changes: Series) {
  return Object.entries({ ...QUIET, ...LOAD, ...changes }).map(([name, values]) => {
    const [, metric = '', labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(name) ?? []
    const all = [`job="with-auth"`, `instance="${instance}"`, labels].filter((one) => one !== '')
    return { series: `${metric}{${all.join(',')}}`, values }
  })
}

const pathOf = setupFolder()

/** Runs `promtool test rules`: the alerts that fire after 38 minutes must be these. */
function check(
  series: ReturnType<typeof seriesOf>,
  firing: readonly (readonly string[])[],
): string {
  const folder = pathOf('.')
  writeFileSync(pathOf('with-auth.rules.yml'), readText(FILE))
  const samples = firing.map(([alertname = '', instance = '']) => ({
    labels: `{alertname="${alertname}", instance="${instance}"}`,
    value: 1,
  }))
  const expr = 'count by (alertname, instance) (ALERTS{alertstate="firing"})'
  const test = {
    interval: `${INTERVAL_S}s`,
    input_series: series,
    promql_expr_test: [{ expr, eval_time: '38m', exp_samples: samples }],
  }
  const content = { rule_files: ['with-auth.rules.yml'], evaluation_interval: '15s', tests: [test] }
  writeFileSync(pathOf('test.yml'), stringify(content))
  const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'test.yml'], {
    cwd: folder,
    encoding: 'utf8',
  })
  return `${stdout}${stderr}`
}

describe.skipIf(missing)(`the alerts (${missing ?? 'checked'})`, () => {
  it('stand beside a dashboard whose expressions Prometheus takes', () => {
    const { panels } = readJson<Dashboard>('examples/grafana/with-auth.json')
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    const panelRules = expressions.map((expr, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$__rate_interval', '1m'),
    }))
    writeFileSync(
      pathOf('panels.yml'),
      stringify({ groups: [{ name: 'panels', rules: panelRules }] }),
    )
    const { status, stdout } = spawnSync('promtool', ['check', 'rules', pathOf('panels.yml')], {
      encoding: 'utf8',
    })
    expect([status, stdout]).toEqual([
      0,
      expect.stringContaining(`${expressions.length} rules found`),
    ])
  })

  it('are read by the configuration of the page, which scrapes each address that the page serves at', () => {
    const page = readText('docs/metrics.md')
    const [, config = ''] = /```yaml\n(# prometheus\.yml\n.*?)```/s.exec(page) ?? []
    writeFileSync(pathOf('with-auth.rules.yml'), readText(FILE))
    writeFileSync(pathOf('prometheus.yml'), config)
    const { status, stdout } = spawnSync(
      'promtool',
      ['check', 'config', pathOf('prometheus.yml')],
      {
        encoding: 'utf8',
      },
    )
    expect([status, stdout]).toEqual([0, expect.stringContaining(`${RULES.length} rules found`)])
    const served = [...page.matchAll(/--metrics ([\d.:]+)|http:\/\/([\d.:]+)\/metrics`/g)]
    const addresses = served.map(([, command, exporter]) => command ?? exporter)
    const scraped = [...config.matchAll(/'([\d.]+:\d+)'/g)].map(([, address]) => address)
    expect(scraped).toEqual(addresses)
  })

  it.each(['gateway', 'forward-auth', 'endpoint'] as const)(
    'are about metrics that promtool finds nothing wrong with: %s',
    (source) => {
      const input = formatExposition(createMeter(source).families())
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
        input,
        encoding: 'utf8',
      })
      expect([status, stdout, stderr]).toEqual([0, '', ''])
    },
  )

  it('fire each for what it is about, and no other does', { tags: ['slow'] }, () => {
    const cases = Object.entries(FIRES).flatMap(([alert, causes]) =>
      causes.map((changes, index) => ({ alert, instance: `${alert}-${index}`, changes })),
    )
    const series = cases.flatMap(({ instance, changes }) => seriesOf(instance, changes))
    const firing = cases.map(({ alert, instance }) => [alert, instance])
    expect(check(series, firing)).toContain('SUCCESS')
  })

  it('are silent in good weather, and when the caller is to blame', { tags: ['slow'] }, () => {
    const cases = Object.entries(SILENT).map(([name, changes]) => seriesOf(name, changes))
    expect(check(cases.flat(), [])).toContain('SUCCESS')
  })
})

it('each alert is provoked, has a severity, and says which process it is about and what to do', () => {
  expect(Object.keys(FIRES)).toEqual(RULES.map(({ alert }) => alert))
  for (const { labels, annotations } of RULES) {
    expect(labels.severity).toMatch(/^(?:critical|warning)$/)
    expect(annotations.summary).toContain('{{ $labels.instance }}')
    expect(annotations.summary).toMatch(/[.] |: with-auth check/)
  }
})
