import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { endpointCommand } from '../../../src/cli/commands/endpoint.ts'
import { forwardAuthCommand } from '../../../src/cli/commands/forward-auth.ts'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { main } from '../../../src/cli/main.ts'
import { createKey, rotateKey } from '../../../src/keys.ts'
import { about } from '../../../src/cli/conformance/questions.ts'
import { call, KEY, setupGateway } from '../support/running-gateway.ts'
import { parseExposition, valueOf } from '../../support/exposition.ts'
import { close, findFreePort, listen } from '../../support/loopback.ts'
import { head, sendRaw } from '../../support/raw-client.ts'
import { serveCommand } from '../../support/served-command.ts'
import { subrequest } from '../../support/subrequest.ts'
import { createSurroundings, runLine } from '../../support/surroundings.ts'

const { inFolder, startGuarded, start, endpoint, upstream } = setupGateway((_, response) =>
  response.end('up'),
)

/** Where a command says that its metrics are. */
function metricsOf({ logged }: Pick<ReturnType<typeof serveCommand>, 'logged'>): string {
  return String(logged('metrics')[0]?.['url'])
}

const portOf = (url: string): number => Number(new URL(url).port)

async function scrape(url: string) {
  const response = await fetch(url)
  expect(response.headers.get('cache-control')).toBe('no-store')
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const text = await response.text()
  return { text, families: parseExposition(text) }
}

describe('--metrics of the gateway', () => {
  it('counts decisions on a listener of its own', async () => {
    const gateway = await startGuarded('--metrics', '127.0.0.1:0', '--healthz', '--log-principal')
    const url = metricsOf(gateway)
    const path = `${gateway.url}/v1/secret-path`
    expect((await call(`${path}/${KEY}`, KEY)).status).toBe(200)
    expect((await call(path, 'sk-wrong')).status).toBe(401)
    expect((await call(path)).status).toBe(401)
    // The probe of a load balancer is no decision.
    expect((await call(`${gateway.url}/healthz`)).status).toBe(200)
    await expect.poll(() => gateway.logged('decision')).toHaveLength(3)

    const { families, text } = await scrape(url)
    const count = (reason: string) => valueOf(families, 'with_auth_decisions_total', { reason })
    expect(['', 'denied', 'missing_credentials'].map(count)).toEqual([1, 1, 1])
    expect(valueOf(families, 'with_auth_check_duration_seconds_count')).toBe(3)
    expect(valueOf(families, 'with_auth_circuit_state')).toBe(0)
    expect(text).not.toMatch(/sk-|alice|secret-path/)
    // Never on the public port.
    expect((await call(`${gateway.url}/metrics`)).status).toBe(401)
    expect((await startGuarded()).logged('metrics')).toEqual([])
    expect(await (await call(`${gateway.url}/metrics`, KEY)).text()).toBe('up')
  })

  it('counts what the upstream answers, and when it does not', async () => {
    const gateway = await startGuarded('--metrics=127.0.0.1:0')
    await (await call(gateway.url, KEY)).text()
    await close(upstream())
    expect((await call(gateway.url, KEY)).status).toBe(502)
    const { families } = await scrape(metricsOf(gateway))
    const count = (name: string, labels = {}) =>
      valueOf(families, `with_auth_upstream_${name}`, labels)
    expect(count('responses_total', { status: '2xx' })).toBe(1)
    expect(count('responses_total')).toBe(1)
    expect(count('failures_total', { code: 'upstream_unreachable' })).toBe(1)
    expect(count('first_byte_seconds_count')).toBe(1)
    expect(valueOf(families, 'with_auth_endpoint_responses_total', { status: '200' })).toBe(2)
  })

  it('answers /metrics only, to GET and HEAD', async () => {
    const url = metricsOf(await startGuarded('--metrics=localhost:0'))
    const { origin } = new URL(url)
    const statuses = await Promise.all([
      fetch(`${url}?name=x`),
      fetch(url, { method: 'HEAD' }),
      fetch(url, { method: 'POST' }),
      fetch(`${origin}/`),
      fetch(`${origin}/metrics/`),
      fetch(`${origin}/`, { method: 'POST' }),
    ])
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 405, 404, 404, 404])
    expect(statuses[2]?.headers.get('allow')).toBe('GET, HEAD')
    expect(await statuses[1]?.text()).toBe('')
  })

  it('lets clients that ask for it wait with their content, there and at the gateway', async () => {
    const gateway = await startGuarded('--metrics=127.0.0.1:0')
    const fields = ['Host: a', 'Expect: 100-continue', 'Connection: close']
    for (const url of [gateway.url, metricsOf(gateway)]) {
      const answer = await sendRaw(portOf(url), head('GET /', ...fields))
      expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 40[14] /)
    }
  })

  it('counts the lines that the log drops because its reader is slow', async () => {
    const port = await findFreePort()
    const slow = {
      ...createSurroundings({ AUTH_ENDPOINT: endpoint().url }),
      unwritten: () => 2 ** 21,
    }
    const address = ['--port=0', `--metrics=127.0.0.1:${port}`]
    const ended = main(
      ['gateway', '--upstream=http://127.0.0.1:1', ...address],
      [gatewayCommand],
      slow,
    )
    await expect.poll(slow.noted, { timeout: 10_000 }).toContain('gateway on http://')
    const { families } = await scrape(`http://127.0.0.1:${port}/metrics`)
    const labels = { type: 'dropped' }
    expect(valueOf(families, 'with_auth_events_total', labels)).toBeGreaterThan(1)
    slow.signal('SIGINT')
    expect(await ended).toBe(0)
  })

  it('works on an address of IPv6, and stops with the gateway', async () => {
    const gateway = await startGuarded('--metrics=[::1]:0')
    const url = metricsOf(gateway)
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+\/metrics$/)
    await scrape(url)
    gateway.signal('SIGTERM')
    expect(await gateway.ended).toBe(0)
    await expect(fetch(url)).rejects.toThrow('fetch failed')
  })

  it('ends the gateway with 1 if the address is in use, and lets go of its own', async () => {
    const taken = createServer()
    const [port, own] = [await listen(taken), await findFreePort()]
    const address = [`--port=${own}`, `--metrics=127.0.0.1:${port}`]
    const args = ['gateway', '--upstream=http://127.0.0.1:1', ...address]
    const { code, noted } = await runLine(args, [gatewayCommand], { AUTH_ENDPOINT: endpoint().url })
    expect(code).toBe(1)
    expect(noted).toContain(`--metrics ${port} is in use on 127.0.0.1: choose another port`)
    await expect(fetch(`http://127.0.0.1:${own}`)).rejects.toThrow('fetch failed')
    await close(taken)
  })

  it.each([
    ['--metrics', '127.0.0.1'],
    ['--metrics', ':9320'],
    ['--metrics', '127.0.0.1:'],
    ['--metrics', '127.0.0.1:65536'],
    ['--metrics', '127.0.0.1:932000'],
    ['--metrics', '127.0.0.1:9320/metrics'],
    ['--metrics', '[127.0.0.1]:9320'],
    ['--metrics', '::1:9320'],
    ['--metrics', 'a b:9320'],
    ['--host', 'a b'],
    ['--host', '127.0.0.1:80'],
  ])('does not start with %s=%s', async (flag, text) => {
    const args = ['gateway', '--upstream=http://127.0.0.1:1', `${flag}=${text}`]
    const { code, noted } = await runLine(args, [gatewayCommand], { AUTH_ENDPOINT: endpoint().url })
    const needs =
      flag === '--metrics'
        ? 'HOST:PORT, such as 127.0.0.1:9320 or [::1]:9320'
        : 'an IP address or a name such as localhost'
    expect(noted).toContain(`${flag} must be ${needs}, received "${text}"`)
    expect(code).toBe(2)
  })

  it('does not start with an address of another machine', async () => {
    const gateway = start(['--metrics=192.0.2.1:65535'], { AUTH_ENDPOINT: endpoint().url })
    expect(await gateway.ended).toBe(2)
    expect(gateway.noted()).toContain('--metrics must be an address of this machine')
  })
})

describe('--metrics of forward-auth', () => {
  it('has the code of each rejection before the guard as its reason', async () => {
    const env = { AUTH_ENDPOINT: endpoint().url }
    const serving = serveCommand(forwardAuthCommand, ['--for=nginx', '--metrics=127.0.0.1:0'], env)
    const url = await serving.listening()
    expect((await fetch(url)).status).toBe(500)
    const { headers } = subrequest('nginx', { method: 'CONNECT' })
    expect((await fetch(url, { headers })).status).toBe(405)
    const { families } = await scrape(metricsOf(serving))
    const count = (reason: string) => valueOf(families, 'with_auth_decisions_total', { reason })
    const reasons = ['proxy_misconfigured', 'method_not_allowed', 'other']
    expect(reasons.map(count)).toEqual([1, 1, 0])
  })
})

describe('--metrics with keys', () => {
  it('say when the next key expires that works, and was not rotated', async () => {
    const file = inFolder('keys.yaml')
    await createKey(file, { principal: 'alice' })
    const soon = '2099-01-02T00:00:00Z'
    const { id } = await createKey(file, { principal: 'bob', expiresAt: '2099-01-01T00:00:00Z' })
    await createKey(file, { principal: 'carol', expiresAt: soon })
    // The old key of a rotation is meant to end.
    await rotateKey(file, id, { overlap: '1h', expiresAt: '2099-01-03T00:00:00Z' })
    const gateway = start(['--keys', file, '--metrics=127.0.0.1:0'])
    await gateway.listening()
    const serving = serveCommand(endpointCommand, ['--keys', file, '--metrics=127.0.0.1:0'])
    await serving.listening()
    const config = inFolder('run.yaml')
    const provider = `provider_config: { type: api_keys, file: "${file}" }`
    writeFileSync(config, `server: { auth: { ${provider} } }`)
    const configured = start(['--config', config, '--metrics=127.0.0.1:0'])
    await configured.listening()
    for (const one of [gateway, serving, configured]) {
      const { families } = await scrape(metricsOf(one))
      const value = valueOf(families, 'with_auth_keys_next_expiry_timestamp_seconds')
      expect(value).toBe(Date.parse(soon) / 1000)
    }
  })
})

describe('--metrics of the endpoint', () => {
  it('counts answers by status', async () => {
    const file = inFolder('keys.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const serving = serveCommand(endpointCommand, ['--keys', file, '--metrics=127.0.0.1:0'])
    const url = await serving.listening()
    for (const body of [about(key, 'a').body, about('sk-wrong', 'a').body, '{']) {
      await fetch(url, { method: 'POST', body })
    }
    const { families, text } = await scrape(metricsOf(serving))
    const count = (status: string) =>
      valueOf(families, 'with_auth_endpoint_answers_total', { status })
    expect(['200', '401', '400', '500', 'other'].map(count)).toEqual([1, 1, 1, 0, 0])
    expect(text).not.toMatch(/sk-|alice|withauth_/)
    expect(families.map(({ name }) => name)).toEqual([
      'with_auth_events_total',
      'with_auth_endpoint_answers_total',
      'with_auth_build_info',
    ])
  })
})
