import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { inspect } from 'node:util'
import { HttpResponse } from 'msw'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDecisionLog } from '../src/cli/log.ts'
import { createGateway } from '../src/gateway.ts'
import { getAuth, withAuth } from '../src/index.ts'
import { nodeTransport } from '../src/node.ts'
import { parseConfig } from '../src/yaml.ts'
import { ENDPOINT, setupEndpoint } from './support/msw-endpoint.ts'
import { get, raw } from './support/requests.ts'
import { createSurroundings } from './support/surroundings.ts'
import type { AuthConfig, AuthEvent } from '../src/index.ts'

/** What went wrong elsewhere, played against this package, where no other test has it. SECURITY.md lists all of it. */

const TOKEN = 'tok-5d1f8c27b9e04a63'
const { asked, answer } = setupEndpoint()
const status = (code: number): Response => new HttpResponse(null, { status: code })
const reached = vi.fn<(auth: unknown) => void>()

beforeEach(() => reached.mockClear())
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

function guard(config: AuthConfig = {}): (request: Request) => Promise<Response> {
  const guarded = withAuth(
    (request: Request) => {
      reached(getAuth(request))
      return new Response('secret', { headers: { vary: 'Origin' } })
    },
    { endpoint: ENDPOINT, ...config },
  )
  return async (request) => guarded(request)
}

async function textOf(response: Response): Promise<string> {
  return JSON.stringify([response.status, ...response.headers, await response.text()])
}

describe('credentials', () => {
  it.each(['Basic', 'Token', 'JWT', 'DPoP', 'Digest', 'Bearers', 'Bearer-'])(
    'of the scheme %s are none, however good the token (Hono CVE-2026-47673)',
    async (scheme) => {
      answer(() => status(200))
      const response = await guard()(raw('http://h/', { authorization: `${scheme} ${TOKEN}` }))
      expect([response.status, asked, reached.mock.calls]).toEqual([401, [], []])
    },
  )

  describe('that are a forged JWT', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
    const claims = encode({ sub: 'alice', principal: 'admin' })
    const unsigned = (alg: string): string => `${encode({ alg, typ: 'JWT' })}.${claims}`
    const genuine = `${unsigned('ES256')}.${createSign('sha256').update(unsigned('ES256')).sign(privateKey, 'base64url')}`
    const signedWith = (secret: string): string =>
      `${unsigned('HS256')}.${createHmac('sha256', secret).update(unsigned('HS256')).digest('base64url')}`

    it.each([
      ['no algorithm and no signature (Hono CVE-2026-22817)', `${unsigned('none')}.`],
      ['the public key as a secret (Hono CVE-2026-22818)', signedWith(pem)],
      ['the same behind a blank (fast-jwt CVE-2026-34950)', signedWith(` ${pem}`)],
      ['the header in another case', `${unsigned('nOnE')}.`],
      ['another signature', `${genuine.slice(0, -3)}AAA`],
    ])('are asked about like any token, whatever they say: %s', async (_what, forged) => {
      answer(() => status(asked.at(-1)?.body.api_key === genuine ? 200 : 401))
      const send = guard({ cache: {}, context: { headers: [] } })
      expect((await send(get('/', genuine))).status).toBe(200)
      expect((await send(get('/', forged))).status).toBe(401)
      expect(asked.map(({ body }) => body.api_key)).toEqual([genuine, forged])
      // And nobody believes what a genuine one says of itself.
      expect(reached.mock.calls).toEqual([[{ attributes: {} }]])
    })
  })

  it('that are kept for one route are asked about for the next (Ory GHSA-qvp4-rpmr-xwrr)', async () => {
    answer(() => status(asked.at(-1)?.body.request['path'] === '/read' ? 200 : 403))
    const send = guard({ cache: {}, context: { headers: [] } })
    const paths = ['/read', '/write', '/read', '/write']
    const statuses: number[] = []
    for (const path of paths) statuses.push((await send(get(path, TOKEN))).status)
    expect(statuses).toEqual([200, 401, 200, 401])
    expect(asked.map(({ body }) => body.request['path'])).toEqual(['/read', '/write'])
  })
})

describe('what a browser is told', () => {
  const crossing = { origin: 'https://evil.example.test', cookie: 'session=1' }

  it.each(['https://evil.example.test', 'null'])(
    'no origin may read a refusal, and %s is not sent back (Hono CVE-2026-54290)',
    async (origin) => {
      const refusals = await Promise.all([
        guard()(get('/', undefined, { ...crossing, origin })),
        guard()(get('/', TOKEN, { ...crossing, origin })),
        guard()(raw('http://h/', preflight(origin), 'OPTIONS')),
      ])
      const texts = await Promise.all(refusals.map(textOf))
      expect(texts.filter((text) => text.startsWith('[401,'))).toHaveLength(3)
      expect(texts.join().toLowerCase()).not.toMatch(/access-control|evil/)
    },
  )

  it('a response varies by what its maker says, not by what a request says (Hono GHSA-q7jf-gf43-6x6p)', async () => {
    answer(() => status(asked.at(-1)?.body.api_key === TOKEN ? 200 : 401))
    const vary = { ...crossing, vary: '*, X-Evil' }
    const send = guard()
    expect((await send(get('/', 'wrong', vary))).headers.has('vary')).toBe(false)
    expect((await send(get('/', TOKEN, vary))).headers.get('vary')).toBe('Origin')
    const upstream = async (): Promise<Response> =>
      new Response('', { headers: { vary: 'Origin' } })
    const gateway = createGateway({ upstream: 'http://127.0.0.1:1', fetch: upstream })
    const response = await withAuth(gateway, { endpoint: ENDPOINT })(get('/', TOKEN, vary))
    expect(response.headers.get('vary')).toBe('Origin')
  })

  function preflight(origin: string): Record<string, string> {
    return { origin, 'access-control-request-method': 'PUT' }
  }
})

describe('what is in no log and no answer', () => {
  const SECRET = 'sec-91b7e2d4a8c35f60'

  it.each<[string, AuthConfig, Record<string, string>]>([
    ['Authorization (Traefik CVE-2022-23469)', {}, { authorization: `Bearer ${TOKEN}` }],
    [
      'one field masked and another not (DataDog/datadog-api-client-typescript#4168)',
      { credentials: { header: 'x-api-key' } },
      { 'x-api-key': TOKEN, 'x-other': SECRET },
    ],
    ['a cookie', { credentials: { cookie: 'key' } }, { cookie: `key=${TOKEN}; other=${SECRET}` }],
  ])('a token, also where all is logged: %s', async (_what, config, headers) => {
    for (const name of ['DEBUG', 'NODE_DEBUG', 'LOG_LEVEL']) vi.stubEnv(name, '*')
    const lines: string[] = []
    const write = (text: string): void => void lines.push(text)
    const log = createDecisionLog({ ...createSurroundings(), print: write }, false)
    const print = vi.spyOn(console, 'error').mockImplementation((text) => lines.push(String(text)))
    for (const level of ['log', 'info', 'warn', 'debug'] as const) {
      vi.spyOn(console, level).mockImplementation((text) => lines.push(String(text)))
    }
    await guard({ ...config, onEvent: log })(get('/a', undefined, headers))
    expect(asked.map(({ body }) => body.api_key)).toEqual([TOKEN])
    expect(print).not.toHaveBeenCalled()
    expect(lines).toHaveLength(1)
    expect(lines.join()).not.toMatch(new RegExp(`${TOKEN}|${SECRET}`))
  })

  it('what a call was made with, in the error of the call (axios/axios#6919)', async () => {
    const config = { headers: { authorization: `Bearer ${TOKEN}` }, data: { api_key: TOKEN } }
    const failure = Object.assign(new Error('Network Error', { cause: config }), { config })
    const events: AuthEvent[] = []
    const send = guard({
      fetch: () => Promise.reject(failure),
      onEvent: (event) => events.push(event),
    })
    const seen = [await textOf(await send(get('/', TOKEN))), events]
    expect(events).toMatchObject([{ type: 'decision', reason: 'unreachable' }])
    expect(inspect(seen, { depth: 20, showHidden: true })).not.toContain(TOKEN)

    const refused = nodeTransport()('http://127.0.0.1:1/', {
      method: 'POST',
      headers: { 'x-secret': SECRET },
      body: JSON.stringify(config.data),
      redirect: 'manual',
      signal: new AbortController().signal,
    })
    const error: unknown = await Promise.resolve(refused).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(Error)
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(
      new RegExp(`${TOKEN}|${SECRET}`),
    )
  })

  it.each([401, 403, 500, 503])(
    'the secret that an endpoint puts into its error %i (APISIX CVE-2022-29266)',
    async (code) => {
      const said = { message: `expected secret ${SECRET}`, principal: SECRET }
      const headers = { 'x-error': SECRET, 'www-authenticate': `Bearer error="${SECRET}"` }
      answer(() => HttpResponse.json(said, { status: code, statusText: SECRET, headers }))
      const send = guard({ endpointHeaders: { 'x-secret': SECRET } })
      const text = await textOf(await send(get('/', TOKEN)))
      expect(asked[0]?.headers.get('x-secret')).toBe(SECRET)
      expect(text).toContain('authentication_error')
      expect(text).not.toContain(SECRET)
    },
  )

  it('a line or a field that a request makes up (Envoy Gateway CVE-2025-25294)', async () => {
    const forged = '","outcome":"allow","x":"\n{"type":"decision","outcome":"allow"}\n\u2028'
    const lines: string[] = []
    const write = (text: string): void => void lines.push(text)
    const onEvent = createDecisionLog({ ...createSurroundings(), print: write }, false)
    const request = raw(`http://h/${encodeURIComponent(forged)}"{`, {
      authorization: `Bearer ${TOKEN}`,
      'user-agent': forged,
      'x-request-id': forged,
    })
    expect((await guard({ onEvent })(request)).status).toBe(401)
    expect(lines.join('').split(/[\n\r\u2028]/)).toEqual([expect.any(String), ''])
    const line = JSON.parse(lines.join('')) as object
    expect(line).toMatchObject({ type: 'decision', outcome: 'deny', reason: 'denied' })
    expect(line).not.toHaveProperty('x')
    expect(JSON.stringify(line)).not.toContain('user-agent')
  })

  it('a variable of the environment that a request, or another variable, names (Caddy CVE-2026-30852)', async () => {
    vi.stubEnv('WITH_AUTH_OTHER', SECRET)
    vi.stubEnv('WITH_AUTH_REALM', '${env.WITH_AUTH_OTHER}')
    const config = parseConfig(
      `server: { auth: { endpoint: '${ENDPOINT}', realm: '\${env.WITH_AUTH_REALM}' } }`,
    )
    expect(config).toMatchObject({ realm: '${env.WITH_AUTH_OTHER}' })
    const names = '${env.WITH_AUTH_OTHER} {env.WITH_AUTH_OTHER} $WITH_AUTH_OTHER'
    const path = `/${encodeURIComponent(names)}?q=${encodeURIComponent(names)}`
    const text = await textOf(await guard(config)(get(path, TOKEN, { 'x-name': names })))
    expect(asked[0]?.body.request).toMatchObject({
      params: { q: names },
      headers: { 'x-name': names },
    })
    expect(`${asked[0]?.text} ${text}`).not.toContain(SECRET)
  })
})

describe('A-D5 the signals of a check', () => {
  it.each([
    'nodejs/node#55351: combined with one that lives on',
    'denoland/deno#24842: combined with one that lives on',
    'nodejs/node#48951: timed by the runtime',
  ])('are not kept for ever (%s)', async () => {
    const combined = vi.spyOn(AbortSignal, 'any')
    const timed = vi.spyOn(AbortSignal, 'timeout')
    const { signal } = new AbortController()
    const passed: AbortSignal[] = []
    const send = guard({
      fetch: async (_url, init) => {
        passed.push(init.signal)
        return status(401)
      },
    })
    for (let count = 0; count < 50; count += 1) {
      const request = Object.defineProperty(get('/', `${TOKEN}${count}`), 'signal', {
        value: signal,
      })
      expect((await send(request)).status).toBe(401)
    }
    expect(new Set(passed).size).toBe(50)
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expect(passed.flatMap((one) => getEventListeners(one, 'abort'))).toEqual([])
    expect(combined).not.toHaveBeenCalled()
    expect(timed).not.toHaveBeenCalled()
  })
})
