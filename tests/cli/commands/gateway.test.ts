import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { main } from '../../../src/cli/main.ts'
import { createKey, revokeKey } from '../../../src/keys.ts'
import { close, listen } from '../../support/loopback.ts'
import { createSurroundings } from '../../support/surroundings.ts'
import { TOKEN } from '../../support/token.ts'
import { call, KEY, setupGateway } from '../support/running-gateway.ts'

const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/

const { inFolder, reached, upstream, endpoint, start, startGuarded } = setupGateway(
  ({ url, headers }, response) => {
    response.setHeader('x-seen-principal', headers['x-auth-principal'] ?? '')
    response.setHeader('x-seen-address', headers['x-forwarded-for'] ?? '')
    response.setHeader('x-seen-id', headers['x-request-id'] ?? '')
    const [, status = url === '/missing' ? 404 : 200] = /^\/(2\d\d)$/.exec(url ?? '') ?? []
    response.statusCode = Number(status)
    setTimeout(() => response.end('from the upstream'), Math.random() * 20)
  },
)

function writeRunYaml(auth: string): string {
  const file = inFolder('run.yaml')
  writeFileSync(file, `server:\n  auth: { ${auth} }\n`)
  return file
}

describe('with-auth gateway', () => {
  it('asks the endpoint of a run.yaml, and logs each decision', async () => {
    const config = writeRunYaml(`endpoint: "${endpoint().url}"`)
    const gateway = start(['--config', config], { AUTH_ENDPOINT: 'http://127.0.0.1:9' })
    const url = await gateway.listening()
    expect((await call(`${url}/v1/models?secret=s3`)).status).toBe(401)
    expect((await call(`${url}/v1/models?secret=s3`, 'sk-wrong')).status).toBe(401)
    const allowed = await call(`${url}/v1/models?secret=s3`, KEY)
    expect(await allowed.text()).toBe('from the upstream')
    expect(allowed.headers.get('x-seen-principal')).toBe('alice')
    expect(reached).toEqual(['/v1/models?secret=s3'])

    const decisions = gateway.logged('decision')
    expect(decisions).toMatchObject([
      { outcome: 'deny', reason: 'missing_credentials', status: 401, path: '/v1/models' },
      { outcome: 'deny', reason: 'denied', status: 401, endpointStatus: 401 },
      { outcome: 'allow', endpointStatus: 200, status: 200, method: 'GET' },
    ])
    expect(decisions.filter((line) => 'principal' in line)).toEqual([])
    for (const line of decisions) {
      expect(line).toMatchObject({
        requestId: expect.stringMatching(UUID),
        clientAddress: '127.0.0.1',
      })
    }
    expect(decisions.map(({ upstreamStatus }) => upstreamStatus ?? 0)).toEqual([0, 0, 200])
    expect(allowed.headers.get('x-seen-id')).toBe('')
    expect(gateway.printed() + gateway.noted()).not.toMatch(
      new RegExp(String.raw`sk-${TOKEN}|sk-wrong|s3`),
    )
    expect(gateway.noted()).toContain('a revoked key works for at most 5 s for new requests')
  })

  it('logs the status that the client got, the method, the request id and the principal', async () => {
    const config = writeRunYaml(`endpoint: "${endpoint().url}", request_id_header: x-other`)
    const more = ['--request-id-header', 'X-Request-Id', '--log-principal']
    const gateway = start(['--config', config, ...more])
    const url = await gateway.listening()
    const send = (path: string, id: string, key: string, method = 'GET') =>
      fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${key}`, 'x-request-id': id, 'x-other': 'other' },
      })
    expect((await send('/missing', 'req-1', KEY, 'POST')).status).toBe(404)
    expect((await send('/', 'req-2', KEY)).status).toBe(200)
    expect((await send('/', 'req-3', 'sk-wrong')).status).toBe(401)
    const unnamed = await send('/', KEY, KEY)
    await close(upstream())
    expect((await send('/', 'req-5', KEY)).status).toBe(502)

    const decisions = gateway.logged('decision')
    const alice = { outcome: 'allow', principal: 'alice' }
    expect(decisions).toMatchObject([
      { ...alice, status: 404, method: 'POST', requestId: 'req-1', path: '/missing' },
      { ...alice, status: 200, method: 'GET', requestId: 'req-2' },
      { outcome: 'deny', status: 401, method: 'GET', requestId: 'req-3' },
      { ...alice, status: 200, requestId: unnamed.headers.get('x-seen-id') },
      {
        ...alice,
        status: 502,
        requestId: 'req-5',
        failure: 'upstream_unreachable',
        upstreamCause: 'ECONNREFUSED',
      },
    ])
    expect(decisions[1]?.['upstreamMs']).toEqual(expect.any(Number))
    expect(decisions[1]).not.toHaveProperty('failure')
    expect(decisions[4]).not.toHaveProperty('upstreamMs')
    // The client sent its key as the request id, so the gateway created another id.
    expect(unnamed.headers.get('x-seen-id')).toMatch(UUID)
    const upstreamStatuses = decisions.map(({ upstreamStatus }) => upstreamStatus ?? 0)
    expect(upstreamStatuses).toEqual([404, 200, 0, 200, 0])
    expect(decisions[2]).not.toHaveProperty('principal')
    expect(gateway.printed()).not.toMatch(new RegExp(String.raw`sk-${TOKEN}|sk-wrong|other`))
    for (const { durationMs } of decisions) {
      expect(String(durationMs)).toMatch(/^\d+(?:\.\d{1,3})?$/)
    }
  })

  it('passes the client address behind a trusted proxy to the upstream, and logs it', async () => {
    const trust = ['--trusted-proxy', '127.0.0.0/8', '--trusted-proxy', '10.0.0.1']
    const { url, logged } = await startGuarded(...trust)
    const send = (headers: Record<string, string>) =>
      fetch(url, { headers: { authorization: `Bearer ${KEY}`, ...headers } })
    const seen = async (headers: Record<string, string>) =>
      (await send(headers)).headers.get('x-seen-address')
    expect(await seen({ 'x-forwarded-for': '6.6.6.6, 192.0.2.7:99, 10.0.0.1' })).toBe('192.0.2.7')
    expect(await seen({ forwarded: 'for=6.6.6.6, for="[2001:db8::1]"' })).toBe('2001:db8::1')
    expect(await seen({ x_forwarded_for: '6.6.6.6', 'x-real-ip': '6.6.6.6' })).toBe('127.0.0.1')
    const conflicting = await send({ 'x-forwarded-for': '192.0.2.7', forwarded: 'for=6.6.6.6' })
    expect(conflicting.status).toBe(400)
    expect(await conflicting.json()).toMatchObject({
      error: { code: 'conflicting_forwarded_headers' },
    })
    expect(reached).toHaveLength(3)
    const rejected = { outcome: 'deny', reason: 'conflicting_forwarded_headers', status: 400 }
    expect(logged('decision')).toMatchObject([
      { clientAddress: '192.0.2.7' },
      { clientAddress: '2001:db8::1' },
      { clientAddress: '127.0.0.1' },
      { clientAddress: '127.0.0.1', ...rejected },
    ])
  })

  it('--json: prints only JSON, on a terminal too', async () => {
    const terminal = { isTerminal: true, colors: true }
    const surroundings = createSurroundings({ AUTH_ENDPOINT: endpoint().url }, '', terminal)
    const args = ['gateway', '--upstream=http://127.0.0.1:1', '--port=0', '--json']
    const ended = main(args, [gatewayCommand], surroundings)
    await expect.poll(surroundings.printed, { timeout: 10_000 }).toContain('"listening"')
    surroundings.signal('SIGINT')
    expect(await ended).toBe(0)
    expect(surroundings.noted()).toBe('')
    expect(surroundings.printed()).toMatch(/^(?:\{.*\}\n)+$/)
  })

  it('leaves no timer behind at its end', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const file = inFolder('keys.yaml')
    await createKey(file, { principal: 'alice' })
    const gateway = start(['--keys', file])
    await gateway.listening()
    expect(vi.getTimerCount()).toBeGreaterThan(0)
    gateway.signal('SIGINT')
    expect(await gateway.ended).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not start if the endpoint allows a random key', async () => {
    endpoint().respondWith(200)
    const gateway = start([], { AUTH_ENDPOINT: endpoint().url })
    expect(await gateway.ended).toBe(1)
    expect(gateway.noted()).toBe(
      'with-auth: The command does not start: the auth endpoint allowed a random key. Is its URL a health check or a web page? Run "with-auth check URL"\n',
    )
    expect(gateway.printed()).not.toContain('listening')
  })

  it('rejects every request until the endpoint has answered', { timeout: 15_000 }, async () => {
    let isUp = false
    const late = createServer((request, response) => {
      const answer = (): unknown =>
        isUp ? response.writeHead(401).end() : request.socket.destroy()
      request.resume().on('end', answer)
    })
    const authUrl = `http://127.0.0.1:${await listen(late)}/`
    const flags = ['--healthz', '--request-id-header=x-request-id']
    const gateway = start(flags, { AUTH_ENDPOINT: authUrl })
    const url = await gateway.listening()
    const refused = await call(`${url}/v1/models`, KEY)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('2')
    expect(refused.headers.get('cache-control')).toBe('no-store')
    expect(await refused.json()).toEqual({
      error: {
        message: 'Authentication service unavailable',
        type: 'api_error',
        code: 'endpoint_unproven',
      },
    })
    const why = { cause: expect.stringMatching(/^(?:ECONNRESET|UND_ERR_SOCKET)$/) as string }
    expect(gateway.logged()).toMatchObject([
      { type: 'endpoint', state: 'unproven', ...why },
      { type: 'listening' },
      {
        reason: 'endpoint_unproven',
        path: '/v1/models',
        status: 503,
        ...why,
        requestId: expect.stringMatching(UUID) as string,
        clientAddress: '127.0.0.1',
      },
    ])
    const health = await call(`${url}/healthz`)
    expect([health.status, health.statusText]).toEqual([503, 'Service Unavailable'])
    expect(await health.json()).toEqual({ status: 'endpoint_unproven' })
    await fetch(url, { headers: { 'x-request-id': 'req-1' } })
    expect(gateway.logged().at(-1)).toMatchObject({ status: 503, requestId: 'req-1' })
    expect(reached).toEqual([])

    isUp = true
    const isReady = async (): Promise<void> =>
      expect((await call(`${url}/healthz`)).status).toBe(200)
    await vi.waitFor(isReady, { timeout: 10_000, interval: 50 })
    expect((await call(`${url}/v1/models`, KEY)).status).toBe(401)
    expect(gateway.logged()).toContainEqual(
      expect.objectContaining({ type: 'endpoint', state: 'proven' }),
    )
    // A client must not take an outage for a wrong key.
    isUp = false
    expect((await call(`${url}/v1/models`, `${KEY}2`)).status).toBe(503)
    await close(late)
  })

  it('decides from a key file without an endpoint, and follows a revocation', async () => {
    const file = inFolder('keys.yaml')
    const { key, id } = await createKey(file, { principal: 'alice', paths: ['/v1'] })
    const gateway = start(['--keys', file])
    const url = await gateway.listening()
    expect((await call(`${url}/v1/models`, key)).status).toBe(200)
    expect((await call(`${url}/other`, key)).status).toBe(401)
    expect((await call(`${url}/v1/models`, 'sk-wrong')).status).toBe(401)
    await revokeKey(file, id)
    expect((await call(`${url}/v1/models`, key)).status).toBe(401)
    expect(endpoint().asked).toEqual([])
  })

  it.each<[string, (file: string) => readonly string[]]>([
    ['--keys', (file) => ['--keys', file]],
    [
      'a run.yaml',
      (file) => {
        const provider = `provider_config: { type: api_keys, file: "${file}" }`
        return ['--config', writeRunYaml(`${provider}, unavailable_status: 503`)]
      },
    ],
  ])(
    'rejects every request once the key file of %s is broken, logs why, and stops listening at the end',
    async (_, argsFor) => {
      const file = inFolder('breaks.yaml')
      writeFileSync(file, 'keys: []')
      const { key } = await createKey(file, { principal: 'carol' })
      const { listening, printed, logged, signal, ended } = start(argsFor(file))
      const url = await listening()
      writeFileSync(file, 'keys: [')
      expect((await call(url, key)).status).toBe(503)
      expect(reached).toEqual([])
      expect(logged()).toContainEqual({
        time: expect.any(String),
        type: 'keys_error',
        message: expect.stringContaining('breaks.yaml:1'),
      })
      expect(printed()).not.toContain(key)
      signal('SIGINT')
      expect(await ended).toBe(0)
      await expect(call(url, key)).rejects.toThrow('fetch failed')
    },
  )

  it('rejects nothing in shadow mode, even with an endpoint that allows every key', async () => {
    endpoint().respondWith(200)
    const config = writeRunYaml(`endpoint: "${endpoint().url}", mode: shadow`)
    const gateway = start(['--config', config])
    const url = await gateway.listening()
    expect((await call(url)).status).toBe(200)
    expect(gateway.noted()).toMatch(
      /^with-auth: Shadow mode rejects no request, but the auth endpoint allowed a random key\. .*"with-auth check URL"\n/,
    )
    expect(gateway.printed()).toContain('"shadow":true')
  })
})
