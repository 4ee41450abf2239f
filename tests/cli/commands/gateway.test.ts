import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { main } from '../../../src/cli/main.ts'
import { createKey, revokeKey } from '../../../src/keys.ts'
import { startAuthEndpoint } from '../../support/auth-endpoint.ts'
import { close, listen } from '../../support/loopback.ts'
import { head, sendRaw } from '../../support/raw-client.ts'
import { createSurroundings } from '../../support/surroundings.ts'
import type { IncomingHttpHeaders, Server } from 'node:http'
import type { AuthEndpoint } from '../../support/auth-endpoint.ts'
import type { RecordedSurroundings } from '../../support/surroundings.ts'

const KEY = 'sk-good'
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/

let folder: string
let upstream: Server
let upstreamUrl: string
let reached: (string | undefined)[]
let received: IncomingHttpHeaders
let running: { readonly surroundings: RecordedSurroundings; readonly ended: Promise<number> }[] = []
let endpoint: AuthEndpoint

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'with-auth-gateway-'))
  reached = []
  upstream = createServer(({ url, headers }, response) => {
    reached.push(url)
    received = headers
    response.setHeader('x-seen-principal', headers['x-auth-principal'] ?? '')
    response.setHeader('x-seen-address', headers['x-forwarded-for'] ?? '')
    response.setHeader('x-seen-id', headers['x-request-id'] ?? '')
    const [, status = url === '/missing' ? 404 : 200] = /^\/(2\d\d)$/.exec(url ?? '') ?? []
    response.statusCode = Number(status)
    setTimeout(() => response.end('from the upstream'), Math.random() * 20)
  })
  upstreamUrl = `http://127.0.0.1:${await listen(upstream)}`
  endpoint = await startAuthEndpoint({ [KEY]: 'alice' })
})
afterEach(async () => {
  for (const { surroundings } of running) surroundings.signal('SIGINT')
  await Promise.all(running.map(({ ended }) => ended))
  running = []
  await endpoint.close()
  await close(upstream)
  rmSync(folder, { recursive: true })
})

// By what the endpoint is asked, and what makes the command choose it.
const CLIENTS = [
  ['undici', {}],
  ['fetch', { NODE_USE_ENV_PROXY: '1' }],
] as const
let choice: Readonly<Record<string, string>> = {}

function start(args: readonly string[], env: Record<string, string> = {}) {
  const surroundings = createSurroundings({ ...choice, ...env })
  const line = ['gateway', '--upstream', upstreamUrl, '--port=0', ...args]
  const ended = main(line, [gatewayCommand], surroundings)
  running.push({ surroundings, ended })
  const listening = async (): Promise<string> => {
    await vi.waitFor(() => expect(surroundings.printed()).toContain('"listening"'))
    return /"url":"([^"]+)"/.exec(surroundings.printed())?.[1] ?? ''
  }
  return { ...surroundings, ended, listening }
}

function call(url: string, key?: string): Promise<Response> {
  return fetch(url, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } })
}

function logged(printed: string): Record<string, unknown>[] {
  const lines = printed.trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

function writeRunYaml(auth: string): string {
  const file = join(folder, 'run.yaml')
  writeFileSync(file, `server:\n  auth: { ${auth} }\n`)
  return file
}

describe.each(CLIENTS)('with-auth gateway, over %s', (client, chosenBy) => {
  beforeEach(() => {
    choice = chosenBy
  })

  it('says at its start over what it asks, where it asks', async () => {
    const asking = start([], { AUTH_ENDPOINT: endpoint.url })
    await asking.listening()
    expect(logged(asking.printed())).toContainEqual(
      expect.objectContaining({ type: 'listening', asksOver: client }),
    )
    expect(asking.noted()).toContain(
      `(a revoked key works for at most 5 s; the endpoint is asked over ${client})`,
    )

    const file = join(folder, 'keys.yaml')
    await createKey(file, { principal: 'alice' })
    const knowing = start(['--keys', file])
    await knowing.listening()
    expect(knowing.printed()).not.toContain('asksOver')
    expect(knowing.noted()).toMatch(/\(a revoked key works for at most 5 s\)\n$/)
  })

  it('tells the upstream whom the endpoint named', async () => {
    const gateway = start([], { AUTH_ENDPOINT: endpoint.url })
    const url = await gateway.listening()
    expect((await call(`${url}/whoami`, KEY)).headers.get('x-seen-principal')).toBe('alice')
  })

  it('asks the endpoint of a run.yaml, and writes a line for each decision', async () => {
    const gateway = start(['--config', writeRunYaml(`endpoint: "${endpoint.url}"`)])
    const url = await gateway.listening()
    expect((await call(`${url}/v1/models?secret=s3`)).status).toBe(401)
    expect((await call(`${url}/v1/models?secret=s3`, 'sk-wrong')).status).toBe(401)
    const allowed = await call(`${url}/v1/models?secret=s3`, KEY)
    expect(await allowed.text()).toBe('from the upstream')
    expect(reached).toEqual(['/v1/models?secret=s3'])

    const decisions = logged(gateway.printed()).filter(({ type }) => type === 'decision')
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
    expect(decisions.map(({ upstreamStatus }) => upstreamStatus)).toEqual([
      undefined,
      undefined,
      200,
    ])
    expect(allowed.headers.get('x-seen-id')).toBe('')
    expect(gateway.printed() + gateway.noted()).not.toMatch(/sk-good|sk-wrong|s3/)
    expect(gateway.noted()).toContain('a revoked key works for at most 5 s')
  })

  it('writes the status that the client got, the method, the request id and the principal', async () => {
    const config = writeRunYaml(`endpoint: "${endpoint.url}", request_id_header: x-other`)
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
    await close(upstream)
    expect((await send('/', 'req-5', KEY)).status).toBe(502)

    const decisions = logged(gateway.printed()).filter(({ type }) => type === 'decision')
    const alice = { outcome: 'allow', principal: 'alice' }
    expect(decisions).toMatchObject([
      { ...alice, status: 404, method: 'POST', requestId: 'req-1', path: '/missing' },
      { ...alice, status: 200, method: 'GET', requestId: 'req-2' },
      { outcome: 'deny', status: 401, method: 'GET', requestId: 'req-3' },
      { ...alice, status: 200, requestId: unnamed.headers.get('x-seen-id') },
      { ...alice, status: 502, requestId: 'req-5' },
    ])
    // The id that the client sent was its key: another is made, and the upstream gets that.
    expect(unnamed.headers.get('x-seen-id')).toMatch(UUID)
    expect(decisions.map(({ upstreamStatus }) => upstreamStatus)).toEqual([
      404,
      200,
      undefined,
      200,
      undefined,
    ])
    expect(decisions[2]).not.toHaveProperty('principal')
    expect(gateway.printed()).not.toMatch(/sk-good|sk-wrong|other/)
    for (const { durationMs } of decisions) {
      expect(String(durationMs)).toMatch(/^\d+(?:\.\d{1,3})?$/)
    }
  })

  it('writes the line of each request with its own status, whatever is answered first', async () => {
    const gateway = start([], { AUTH_ENDPOINT: endpoint.url })
    const url = await gateway.listening()
    const paths = Array.from({ length: 20 }, (_, index) => `/${200 + index}`)
    await Promise.all(paths.map((path) => call(url + path, KEY)))
    const decisions = logged(gateway.printed()).filter(({ type }) => type === 'decision')
    expect(decisions).toHaveLength(paths.length)
    expect(decisions.filter(({ path, status }) => path !== `/${String(status)}`)).toEqual([])
  })

  it('tells the upstream the client behind a trusted proxy, and writes it', async () => {
    const trust = ['--trusted-proxy', '127.0.0.0/8', '--trusted-proxy', '10.0.0.1']
    const gateway = start(trust, { AUTH_ENDPOINT: endpoint.url })
    const url = await gateway.listening()
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
    const lines = logged(gateway.printed()).filter(({ type }) => type === 'decision')
    expect(lines).toMatchObject([
      { clientAddress: '192.0.2.7' },
      { clientAddress: '2001:db8::1' },
      { clientAddress: '127.0.0.1' },
      {
        outcome: 'deny',
        reason: 'conflicting_forwarded_headers',
        status: 400,
        clientAddress: '127.0.0.1',
      },
    ])
  })

  it('ignores the forwarding headers of a client without a trusted proxy', async () => {
    const gateway = start(['--trusted-proxy=10.0.0.0/8'], { AUTH_ENDPOINT: endpoint.url })
    const url = await gateway.listening()
    const headers = { authorization: `Bearer ${KEY}`, 'x-forwarded-for': '6.6.6.6', forwarded: 'x' }
    expect((await fetch(url, { headers })).headers.get('x-seen-address')).toBe('127.0.0.1')
  })

  it('asks about a random key first', async () => {
    const gateway = start(['--config', writeRunYaml(`endpoint: "${endpoint.url}"`)])
    await gateway.listening()
    expect(endpoint.asked).toEqual([expect.stringMatching(/^random_[\da-f]{64}$/)])
  })

  it('does not start for an endpoint that lets a random key in', async () => {
    const open = createServer((_, response) => response.end('<!doctype html>'))
    const url = `http://127.0.0.1:${await listen(open)}/`
    const gateway = start([], { AUTH_ENDPOINT: url })
    expect(await gateway.ended).toBe(1)
    expect(gateway.noted()).toMatch(/allows every key.*with-auth check URL/)
    expect(gateway.printed()).not.toContain('listening')
    await close(open)
  })

  it(
    'serves nobody until the endpoint has answered, and all then',
    { timeout: 15_000 },
    async () => {
      let isUp = false
      const late = createServer((request, response) => {
        const answer = (): unknown =>
          isUp ? response.writeHead(401).end() : request.socket.destroy()
        request.resume().on('end', answer)
      })
      const authUrl = `http://127.0.0.1:${await listen(late)}/`
      const gateway = start(['--healthz'], { AUTH_ENDPOINT: authUrl })
      const url = await gateway.listening()
      const refused = await call(`${url}/v1/models`, KEY)
      expect(refused.status).toBe(503)
      expect(await refused.json()).toMatchObject({ error: { code: 'endpoint_unproven' } })
      const why = { cause: expect.stringMatching(/^(?:ECONNRESET|UND_ERR_SOCKET)$/) as string }
      expect(logged(gateway.printed())).toMatchObject([
        { type: 'endpoint', state: 'unproven', ...why },
        { type: 'listening' },
        {
          reason: 'endpoint_unproven',
          status: 503,
          ...why,
          requestId: expect.stringMatching(UUID) as string,
          clientAddress: '127.0.0.1',
        },
      ])
      expect((await call(`${url}/healthz`)).status).toBe(503)
      expect(reached).toEqual([])

      isUp = true
      const isReady = async (): Promise<void> =>
        expect((await call(`${url}/healthz`)).status).toBe(200)
      await vi.waitFor(isReady, { timeout: 10_000, interval: 50 })
      expect((await call(`${url}/v1/models`, KEY)).status).toBe(401)
      expect(logged(gateway.printed())).toContainEqual(
        expect.objectContaining({ type: 'endpoint', state: 'proven' }),
      )
      await close(late)
    },
  )

  it('answers by a file of keys, with no endpoint, and sees a revocation', async () => {
    const file = join(folder, 'keys.yaml')
    const { key, id } = await createKey(file, { principal: 'alice', paths: ['/v1'] })
    const gateway = start(['--keys', file])
    const url = await gateway.listening()
    expect((await call(`${url}/v1/models`, key)).status).toBe(200)
    expect((await call(`${url}/other`, key)).status).toBe(401)
    expect((await call(`${url}/v1/models`, 'sk-wrong')).status).toBe(401)
    await revokeKey(file, id)
    // No verdict is kept for this path.
    expect((await call(`${url}/v1/other`, key)).status).toBe(401)
    expect(endpoint.asked).toEqual([])
  })

  it('lets nobody in when the file of keys breaks, writes why, and listens no longer than it runs', async () => {
    const file = join(folder, 'breaks.yaml')
    const { key } = await createKey(file, { principal: 'carol' })
    const { listening, printed, signal, ended } = start(['--keys', file])
    const url = await listening()
    writeFileSync(file, 'keys: [')
    expect((await call(url, key)).status).toBe(503)
    expect(reached).toEqual([])
    expect(logged(printed())).toContainEqual({
      time: expect.any(String),
      type: 'keys_error',
      message: expect.stringContaining('breaks.yaml:1'),
    })
    expect(printed()).not.toContain(key)
    signal('SIGINT')
    expect(await ended).toBe(0)
    await expect(call(url, key)).rejects.toThrow('fetch failed')
  })

  it('answers /healthz only if that was asked for', async () => {
    const gateway = start([], { AUTH_ENDPOINT: endpoint.url })
    const url = await gateway.listening()
    expect((await call(`${url}/healthz`)).status).toBe(401)
    expect((await call(`${url}/healthz`, KEY)).status).toBe(200)
    expect(reached).toEqual(['/healthz'])
  })

  it('says 502, and writes why, when the upstream is down', async () => {
    await close(upstream)
    const gateway = start([], { AUTH_ENDPOINT: endpoint.url })
    const url = await gateway.listening()
    expect((await call(url, KEY)).status).toBe(502)
    expect(logged(gateway.printed()).filter(({ type }) => type !== 'listening')).toMatchObject([
      { type: 'endpoint', state: 'proven' },
      {
        type: 'decision',
        outcome: 'allow',
        status: 502,
        failure: 'upstream_unreachable',
        upstreamCause: 'ECONNREFUSED',
        requestId: expect.stringMatching(UUID) as string,
        clientAddress: '127.0.0.1',
      },
    ])
  })

  it('refuses nobody in shadow mode, whatever the endpoint is', async () => {
    const open = createServer((_, response) => response.end())
    const authUrl = `http://127.0.0.1:${await listen(open)}/`
    const gateway = start(['--config', writeRunYaml(`endpoint: "${authUrl}", mode: shadow`)])
    const url = await gateway.listening()
    expect((await call(url)).status).toBe(200)
    expect(gateway.noted()).toContain('allows every key')
    expect(gateway.printed()).toContain('"shadow":true')
    await close(open)
  })

  it('writes readable lines on a terminal, and JSON there with --json', async () => {
    for (const [more, expected] of [
      [[], /^\d\d:\d\d:\d\d 401 GET  \/v1\/models missing_credentials check \d+\.\d ms$/m],
      [['--json'], /^\{.*"reason":"missing_credentials".*\}$/m],
    ] as const) {
      const terminal = { isTerminal: true, colors: false }
      const surroundings = createSurroundings({ AUTH_ENDPOINT: endpoint.url }, '', terminal)
      const line = ['gateway', '--upstream', upstreamUrl, '--port=0', ...more]
      const ended = main(line, [gatewayCommand], surroundings)
      running.push({ surroundings, ended })
      const urlOf = () => /http:\/\/127[\d.:]+/.exec(surroundings.noted() + surroundings.printed())
      await vi.waitFor(() => expect(urlOf()).not.toBeNull())
      await call(`${urlOf()?.[0] ?? ''}/v1/models`)
      expect(surroundings.printed()).toMatch(expected)
    }
  })

  it('ends with 0 at SIGTERM', async () => {
    const gateway = start(['--json'], { AUTH_ENDPOINT: endpoint.url })
    await gateway.listening()
    expect(gateway.noted()).toBe('')
    gateway.signal('SIGTERM')
    expect(await gateway.ended).toBe(0)
  })

  it.each([
    [['--config', 'a', '--keys', 'b'], 2, '--config and --keys both say who is let in'],
    [[], 2, 'Who is let in? Give --keys FILE or --config FILE, or set AUTH_ENDPOINT'],
    [['http://operand'], 2, 'takes options only'],
    [['--upstream-timeout-ms=0'], 2, '--upstream-timeout-ms must be'],
    [['--keys=k', '--trusted-proxy=::/0'], 2, '--trusted-proxy must be a network of your proxies'],
    [['--keys', 'lost.yaml'], 1, '--keys lost.yaml: no such file'],
    [['--config', 'lost.yaml'], 1, '--config lost.yaml: no such file'],
  ])('does not start with %j', async (args, code, message) => {
    const gateway = start(args)
    expect(await gateway.ended).toBe(code)
    expect(gateway.noted()).toContain(message)
    expect(gateway.printed()).toBe('')
  })

  it('does not start without an upstream, or with a bad one', async () => {
    const surroundings = createSurroundings({ AUTH_ENDPOINT: endpoint.url })
    expect(await main(['gateway'], [gatewayCommand], surroundings)).toBe(2)
    expect(surroundings.noted()).toContain('--upstream URL is missing')
    const ftp = ['gateway', '--upstream', 'ftp://x', '--port=0']
    expect(await main(ftp, [gatewayCommand], surroundings)).toBe(2)
    expect(surroundings.noted()).toContain('--upstream must be an absolute http or https URL')
  })

  it('does not start on a port that is taken, and leaves no timer', async () => {
    const port = new URL(upstreamUrl).port
    const surroundings = createSurroundings({ AUTH_ENDPOINT: endpoint.url })
    const line = ['gateway', '--upstream', upstreamUrl, '--port', port]
    expect(await main(line, [gatewayCommand], surroundings)).toBe(1)
    expect(surroundings.noted()).toContain(
      `--port ${port} is in use on 127.0.0.1: choose another, or 0 for a free one`,
    )
  })
})

/** Both ways to say who is let in that have no file for the other options. */
const WAYS = ['--keys', 'AUTH_ENDPOINT'] as const

describe.each(WAYS)('with-auth gateway with %s', (way) => {
  async function startGuarded(...options: readonly string[]) {
    if (way === 'AUTH_ENDPOINT') {
      const gateway = start(options, { AUTH_ENDPOINT: endpoint.url })
      return { ...gateway, key: KEY, url: await gateway.listening() }
    }
    const file = join(folder, 'keys.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const gateway = start(['--keys', file, ...options])
    return { ...gateway, key, url: await gateway.listening() }
  }

  it('lets requests for --public paths in without a key, and names no caller there', async () => {
    const { url } = await startGuarded('--public', '/docs/*', '--public=/health')
    const claimed = { headers: { 'x-auth-principal': 'admin' } }
    expect((await fetch(`${url}/docs/intro`, claimed)).status).toBe(200)
    expect(received).not.toHaveProperty('x-auth-principal')
    expect((await fetch(`${url}/health`)).status).toBe(200)
    expect((await fetch(`${url}/health`, { method: 'POST' })).status).toBe(401)
    expect((await fetch(`${url}/docs`)).status).toBe(401)
    expect((await fetch(`${url}/healthy`)).status).toBe(401)
    expect(reached).toEqual(['/docs/intro', '/health'])
  })

  it.each([
    '/public/../admin',
    '/public/%2e%2e/admin',
    '/public/.%2E/admin',
    '/public/..%2fadmin',
    '/public/..%5cadmin',
    '/public/..\\admin',
    '/public/..;/admin',
    '/public/%252e%252e/admin',
    '/public/a%2f..%2f..%2fadmin',
    '/public%2f..%2fadmin',
    '//public/x',
    '/public//x',
    '/public/%00',
    '/Public/x',
    '/%70ublic/../admin',
    'http://evil.example/public/../admin',
  ])('opens no more than the pattern of --public: not %s', async (target) => {
    const { url } = await startGuarded('--public', '/public/*')
    const fields = ['Host: gateway.example', 'Connection: close']
    const answer = await sendRaw(Number(new URL(url).port), head(`GET ${target}`, ...fields))
    expect(answer).toMatch(/^HTTP\/1\.1 40[01] /)
    expect(reached).toEqual([])
  })

  it('lets a preflight in with --preflight allow only', async () => {
    const preflight = {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
    }
    const closed = await startGuarded()
    expect((await fetch(`${closed.url}/a`, preflight)).status).toBe(401)
    closed.signal('SIGINT')
    const open = await startGuarded('--preflight', 'allow')
    expect((await fetch(`${open.url}/b`, preflight)).status).toBe(200)
    expect((await fetch(`${open.url}/c`, { method: 'OPTIONS' })).status).toBe(401)
    expect(reached).toEqual(['/b'])
  })

  it('challenges with the --realm', async () => {
    const { url } = await startGuarded('--realm', 'models of "acme"')
    const challenge = (await fetch(url)).headers.get('www-authenticate')
    expect(challenge).toContain('realm="models of \\"acme\\""')
  })

  it('reads the key from the header that --credentials names, and from no other', async () => {
    const { url, key, printed, noted } = await startGuarded('--credentials', 'header:x-api-key')
    const spelt = {
      'x-api-key': key,
      'x.api.key': key,
      X_Api_Key: key,
      authorization: 'Basic YTpi',
    }
    expect((await fetch(`${url}/a`, { headers: spelt })).status).toBe(200)
    expect(Object.keys(received).filter((name) => /^x.api.key$|authorization/.test(name))).toEqual(
      [],
    )
    expect(JSON.stringify(received)).not.toContain(key)
    expect((await call(`${url}/b`, key)).status).toBe(401)
    expect(reached).toEqual(['/a'])
    expect(printed() + noted()).not.toContain(key)
  })

  it('reads the key from each of several --credentials', async () => {
    const sources = ['--credentials=bearer', '--credentials=cookie:session']
    const { url, key } = await startGuarded(...sources)
    expect((await call(`${url}/a`, key)).status).toBe(200)
    const cookie = `theme=dark; session=${key}`
    expect((await fetch(`${url}/b`, { headers: { cookie } })).status).toBe(200)
    expect(received.cookie).toBe('theme=dark')
    expect((await fetch(`${url}/c`, { headers: { 'x-api-key': key } })).status).toBe(401)
  })

  it('passes the key in the header on with --forward-authorization', async () => {
    const more = ['--credentials', 'header:x-api-key', '--forward-authorization']
    const { url, key } = await startGuarded(...more)
    expect((await fetch(url, { headers: { 'x-api-key': key } })).status).toBe(200)
    expect(received['x-api-key']).toBe(key)
  })

  it('writes no header into the log that --credentials names', async () => {
    const env = way === 'AUTH_ENDPOINT' ? { AUTH_ENDPOINT: endpoint.url } : {}
    const file = join(folder, 'other.yaml')
    await createKey(file, { principal: 'alice' })
    const args = way === 'AUTH_ENDPOINT' ? [] : ['--keys', file]
    const both = ['--credentials=header:x-api-key', '--request-id-header=X-Api-Key']
    const gateway = start([...args, ...both], env)
    expect(await gateway.ended).toBe(2)
    expect(gateway.noted()).toContain(
      '--request-id-header must be the name of a header that holds no',
    )
  })
})
