import { metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { afterEach, expect, it } from 'vitest'
import { observe } from '../../src/otel.ts'
import { metricsOf } from '../../src/telemetry/metrics.ts'
import { findFreePort } from '../support/loopback.ts'
import { withExportedNames } from '../../scripts/docs/metric-page.ts'
import { readText } from '../support/project.ts'

/** What the Prometheus exporter of the SDK makes of the names, for the dashboard and the alerts. */

const PAGE = 'docs/metrics.md'

afterEach(() => metrics.disable())

async function scrape(): Promise<string> {
  const port = await findFreePort()
  const exporter = new PrometheusExporter({ port, host: '127.0.0.1' })
  const provider = new MeterProvider({ readers: [exporter] })
  metrics.setGlobalMeterProvider(provider)
  const onEvent = observe()
  onEvent({ type: 'keys', result: 'fetched', ageMs: 0, verifier: 'jwt' })
  const request = { path: '/', method: 'GET', cache: 'miss', attempts: 1, durationMs: 5 } as const
  onEvent({ type: 'decision', outcome: 'allow', endpointStatus: 200, ...request })
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  await provider.shutdown()
  return text
}

it('the page has the names of each way, as the exporter makes them', async () => {
  const text = await scrape()
  const families = [...text.matchAll(/^# TYPE (with_auth_\w+)/gm)].map(([, family = '']) => family)
  const exported = metricsOf('library').map(([, metric]) => {
    const stem = metric.name.replaceAll('.', '_')
    return [metric, families.filter((family) => family.startsWith(stem)).join(', ')] as const
  })
  await expect(withExportedNames(readText(PAGE), exported)).toMatchFileSnapshot(`../../${PAGE}`)
})

it('the exporter has the labels and the zeros of the commands', async () => {
  const text = await scrape()
  expect(text).toMatch(/^with_auth_decisions_total\{[^}]*outcome="allow",cache="miss"[^}]*\} 1\b/m)
  expect(text).toMatch(/^with_auth_keys_fetches_total\{[^}]*result="timeout"[^}]*\} 0\b/m)
  expect(text).toMatch(/^with_auth_store_up(?:\{[^}]*\})? 1\b/m)
})
