import { describe, expect, it, vi } from 'vitest'
import { createForwardAuth } from '../src/forward-auth.ts'
import { memoryCache } from '../src/index.ts'
import { protectedResource } from '../src/mcp.ts'
import { subrequest } from './support/subrequest.ts'
import { defineVerifier } from '../src/verifiers.ts'
import type {
  ForwardAuthFailure,
  ForwardAuthOptions,
  ForwardAuthProxy,
} from '../src/forward-auth.ts'
import type { AuthConfig, DecisionEvent, Question, Verdict, AskVerifier } from '../src/index.ts'
import type { Client } from './support/subrequest.ts'

const ALICE: Verdict = {
  outcome: 'allow',
  principal: 'alice,é',
  tenant: 'acme',
  attributes: { roles: ['é'] },
  scopes: ['notes:read', 'notes:write'],
  clientId: 'notes-app',
}
const GOOD = { authorization: 'Bearer good' }

interface Setup {
  readonly verdict?: Verdict
  readonly config?: AuthConfig
  readonly options?: Partial<ForwardAuthOptions>
}

function setup({ verdict = ALICE, config = {}, options = {} }: Setup = {}) {
  const proxy: ForwardAuthProxy = options.for ?? 'nginx'
  const questions: Question[] = []
  const events: DecisionEvent[] = []
  const verifier = (question: Question): Verdict => {
    questions.push(question)
    return question.token === 'good' ? verdict : { outcome: 'deny' }
  }
  const onEvent = (event: { type: string }): void =>
    void (event.type === 'decision' && events.push(event as DecisionEvent))
  const base = config.endpoint === undefined ? { verifier } : {}
  const answer = createForwardAuth({ ...base, onEvent, ...config }, { for: proxy, ...options })
  const ask = (client: Client = { headers: GOOD }): Promise<Response> =>
    answer(subrequest(proxy, client))
  return { answer, ask, questions, events }
}

function identityOf({ headers }: Response) {
  return ['principal', 'attributes', 'tenant', 'scopes', 'client'].map((name) =>
    headers.get(`x-auth-${name}`),
  )
}

describe('a 200', () => {
  it('has the identity, no body and no-store', async () => {
    const response = await setup().ask()
    expect(response.status).toBe(200)
    expect(identityOf(response)).toEqual([
      'alice%2C%C3%A9',
      '{"roles":["\\u00e9"]}',
      'acme',
      'notes:read notes:write',
      'notes-app',
    ])
    expect(response.headers.get('content-length')).toBe('0')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.has('x-auth-error')).toBe(false)
    expect(await response.text()).toBe('')
  })

  it.each([
    ['of a caller without a name', { verdict: { outcome: 'allow' } }, { headers: GOOD }],
    ['for a public path', { config: { public: ['/open'] } }, { target: '/open' }],
    ['in shadow mode', { config: { mode: 'shadow' } }, {}],
    [
      'for a preflight',
      { config: { preflight: 'allow' } },
      {
        method: 'OPTIONS',
        headers: { origin: 'https://a', 'access-control-request-method': 'PUT' },
      },
    ],
  ] as const)(
    '%s has all identity headers too (GHSA-7r4p-vjf4-gxv4)',
    async (_what, made, client) => {
      const response = await setup(made).ask(client)
      expect(response.status).toBe(200)
      expect(identityOf(response)).toEqual(['', '{}', '', '', ''])
    },
  )

  it('has the identity in configured headers, without those that are off', async () => {
    const identityHeaders = { principal: 'Remote-User', tenant: false, scopes: false } as const
    const response = await setup({ options: { identityHeaders } }).ask()
    expect(response.headers.get('remote-user')).toBe('alice%2C%C3%A9')
    expect(identityOf(response)).toEqual([null, '{"roles":["\\u00e9"]}', null, null, 'notes-app'])
  })
})

describe('an identity that no header can carry', () => {
  const long = 'p'.repeat(8000)
  it.each([
    ['has a line break', { principal: 'a\r\nx-auth-tenant: root' }],
    ['is over 8,192 characters in all', { principal: long, tenant: 't'.repeat(200) }],
  ])('is a 503 if it %s', async (_what, identity) => {
    const onFailure = vi.fn<(failure: ForwardAuthFailure) => void>()
    const made = setup({ verdict: { outcome: 'allow', ...identity }, options: { onFailure } })
    const response = await made.ask()
    expect(response.status).toBe(503)
    const code = 'identity_not_forwardable'
    const message = 'Authentication service unavailable'
    expect(await response.json()).toMatchObject({ error: { code, message } })
    const names = ['principal', 'tenant', 'attributes', 'scopes', 'client']
    const headers = names.map((name) => `x-auth-${name}`)
    expect(onFailure.mock.calls).toEqual([[{ code, status: 503, headers }]])
    expect(made.events).toMatchObject([{ outcome: 'allow' }])
  })

  it('names only the headers that are sent', async () => {
    const onFailure = vi.fn<(failure: ForwardAuthFailure) => void>()
    const identityHeaders = { principal: 'remote-user', attributes: false } as const
    const verdict = { outcome: 'allow', principal: 'a\nb' } as const
    await setup({ verdict, options: { onFailure, identityHeaders } }).ask()
    expect(onFailure.mock.calls[0]?.[0].headers).toEqual([
      'remote-user',
      'x-auth-tenant',
      'x-auth-scopes',
      'x-auth-client',
    ])
  })

  it('passes with 8,192 characters', async () => {
    const verdict = { outcome: 'allow', principal: long, tenant: 't'.repeat(192) } as const
    expect((await setup({ verdict }).ask()).status).toBe(200)
  })
})

describe('a rejection of the guard', () => {
  it.each(['nginx', 'haproxy'] as const)(
    'has its body again in X-Auth-Error, for %s',
    async (proxy) => {
      const response = await setup({ options: { for: proxy } }).ask({})
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="api"')
      expect(response.headers.get('x-auth-error')).toBe(await response.text())
    },
  )

  it.each(['caddy', 'traefik'] as const)('has only its body, for %s', async (proxy) => {
    const response = await setup({ options: { for: proxy } }).ask({})
    expect(response.headers.has('x-auth-error')).toBe(false)
    expect(await response.json()).toMatchObject({ error: { code: 'missing_credentials' } })
  })

  it.each([
    ['is empty', () => null],
    ['is not ASCII', () => 'né'],
    ['has lines', () => 'a\nb'],
    ['is long', () => 'a'.repeat(2049)],
    ['never ends', () => new ReadableStream()],
    ['is broken', () => new ReadableStream({ start: (stream) => stream.error(new Error('gone')) })],
  ])('has a body of ours in X-Auth-Error if the body of `respond` %s', async (_what, body) => {
    const respond = (): Response => new Response(body(), { status: 403, headers: { 'x-a': 'b' } })
    const response = await setup({ config: { respond } }).ask({})
    expect(response.status).toBe(403)
    expect(response.headers.get('x-a')).toBe('b')
    expect(JSON.parse(response.headers.get('x-auth-error') ?? '')).toEqual({
      error: { message: 'The request was rejected', type: 'permission_error', code: 'rejected' },
    })
  })

  it('keeps its own body beside that', async () => {
    const respond = (): Response => new Response('a'.repeat(99_999), { status: 403 })
    expect(await (await setup({ config: { respond } }).ask({})).text()).toHaveLength(99_999)
  })

  it('is never a 2xx: `respond` gets no say in that', async () => {
    const config = { respond: () => new Response('welcome', { status: 200 }) }
    expect((await setup({ config }).ask({})).status).toBe(401)
  })

  it('is a 503 during an outage, unless the config says otherwise', async () => {
    const outage = {
      endpoint: 'https://a.test/',
      fetch: () => Promise.reject(new Error('down')),
      retry: false,
    } as const
    expect((await setup({ config: outage }).ask()).status).toBe(503)
    const config = { ...outage, unavailableStatus: 401 } as const
    expect((await setup({ config }).ask()).status).toBe(401)
  })
})

describe('what the guard decides about', () => {
  const cache = memoryCache()
  const context = { headers: ['x-auth-principal', 'x-a', 'host'], method: true }
  const config = { context, cache }

  it('is the request of the client', async () => {
    const { ask, questions, events } = setup({ config })
    const headers = { ...GOOD, 'x-auth-principal': 'root', 'x-a': 'b' }
    await ask({ target: '/v1/notes?a=1', method: 'PUT', headers })
    const told = { host: 'api.example.test', 'x-a': 'b' }
    expect(questions.map(({ request }) => request)).toEqual([
      { path: '/v1/notes', params: { a: '1' }, method: 'PUT', headers: told },
    ])
    expect(events).toMatchObject([{ path: '/v1/notes', method: 'PUT' }])
  })

  it('has the address of the client for a verifier that reads it, or that of the config', async () => {
    const ask = vi.fn<AskVerifier>(() => ALICE)
    const reading = defineVerifier({ ask, reads: { clientAddress: true } })
    await setup({ config: { verifier: reading } }).ask()
    const own = { clientAddress: () => '192.0.2.1' }
    await setup({ config: { verifier: reading, context: own } }).ask()
    const told = ask.mock.calls.map(([{ request }]) => request.clientAddress)
    expect(told).toEqual(['203.0.113.7', '192.0.2.1'])
  })

  it('is not public for a path that the proxy may change, even with rawTargets', async () => {
    const made = setup({ config: { public: ['/open/*'] }, options: { rawTargets: true } })
    expect((await made.ask({ target: '/open/a' })).status).toBe(200)
    expect((await made.ask({ target: '/open/a%2f..' })).status).toBe(400)
    expect((await made.ask({ target: '/open//admin' })).status).toBe(401)
  })
})

it('a subrequest that says nothing is a 500 that names the headers to the operator alone', async () => {
  const onFailure = vi.fn<(failure: ForwardAuthFailure) => void>()
  const { answer, questions } = setup({ config: { mode: 'shadow' }, options: { onFailure } })
  const response = await answer(new Request('http://127.0.0.1/open', { headers: GOOD }))
  expect(response.status).toBe(500)
  expect(await response.text()).toBe(
    '{"error":{"message":"The proxy is not configured for forward auth","type":"api_error","code":"proxy_misconfigured"}}',
  )
  expect(response.headers.get('x-auth-error')).toContain('proxy_misconfigured')
  expect(onFailure.mock.calls[0]?.[0].headers).toHaveLength(5)
  expect(questions).toEqual([])
})

it('a method that must not pass is a 405 with Allow', async () => {
  const response = await setup().ask({ method: 'TRACE', headers: GOOD })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toContain('GET')
})

it('a failing onFailure changes nothing', async () => {
  // oxlint-disable-next-line no-misused-promises -- a user may do that
  const rejecting = setup({ options: { onFailure: () => Promise.reject(new Error('log')) } })
  const throwing = setup({
    options: {
      onFailure: () => {
        throw new Error('log')
      },
    },
  })
  expect((await rejecting.ask({ target: '/..' })).status).toBe(400)
  expect((await throwing.ask({ target: '/..' })).status).toBe(400)
})

it.each([{ 'transfer-encoding': 'chunked' }, { 'content-length': '5' }])(
  'the connection ends after a subrequest that announces a body (%j): the next one would be read as that body',
  async (announced) => {
    const { ask } = setup()
    const allowed = await ask({ headers: { ...GOOD, ...announced } })
    expect(allowed.headers.get('connection')).toBe('close')
    expect(allowed.headers.has('x-auth-error')).toBe(false)
    const failed = await ask({ target: '/..', headers: announced })
    expect(failed.headers.get('connection')).toBe('close')
    for (const client of [{ headers: { ...GOOD, 'content-length': '0' } }, { target: '/..' }]) {
      expect((await ask(client)).headers.has('connection')).toBe(false)
    }
  },
)

describe('a configuration', () => {
  const config = { endpoint: 'https://auth.example.test/' }

  it('with `resource` is an error: its document is a 200 that allows nothing', async () => {
    const resource = protectedResource({
      identifier: 'https://api.example.test/',
      authorizationServers: ['https://login.example.test'],
    })
    const message = '"resource" must be left out: a 200 of forward auth always allows a request'
    expect(() => createForwardAuth({ ...config, resource }, { for: 'nginx' })).toThrow(message)
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const made = createForwardAuth(() => ({ ...config, resource }), { for: 'nginx' })
    const target = '/.well-known/oauth-protected-resource'
    expect((await made(subrequest('nginx', { target }))).status).toBe(500)
    expect(() => createForwardAuth({ ...config, resource: false }, { for: 'nginx' })).not.toThrow()
  })

  it('may be left out, and AUTH_ENDPOINT is used', async () => {
    const made = createForwardAuth<[{ AUTH_ENDPOINT: string }]>(undefined, { for: 'nginx' })
    const env = { AUTH_ENDPOINT: 'http://127.0.0.1:9/' }
    const response = await made(subrequest('nginx', { headers: GOOD }), env)
    expect(await response.json()).toMatchObject({ error: { code: 'unreachable' } })
    expect(response.status).toBe(503)
  })

  it('may be made by a function of the extra arguments', async () => {
    const made = createForwardAuth(
      (principal: string) => ({ verifier: () => ({ outcome: 'allow', principal }) }),
      { for: 'nginx' },
    )
    const response = await made(subrequest('nginx', { headers: GOOD }), 'bob')
    expect(response.headers.get('x-auth-principal')).toBe('bob')
  })
})
