import { describe, expect, it, vi } from 'vitest'
import { checkAccess, withAccess } from '../../src/access.ts'
import { createGateway } from '../../src/gateway.ts'
import { createAuthenticator, withAuth } from '../../src/index.ts'
import { defineVerifier } from '../../src/verifiers.ts'
import { get, raw } from '../support/requests.ts'
import type { GatewayFailure } from '../../src/gateway.ts'
import type { AuthConfig, AuthEvent, Verdict } from '../../src/index.ts'

/** A client may send its token where operators read: nothing that they read may show it, in any encoding. */

const TOKEN = 'sk-0123+456789/ab=='

const hex = (text: string, from: RegExp, digits = (code: string) => code): string =>
  text.replace(from, (char) => `%${digits(char.charCodeAt(0).toString(16).padStart(2, '0'))}`)
const upper = (code: string): string => code.toUpperCase()

const FORMS: readonly (readonly [form: string, text: string])[] = [
  ['as it is', TOKEN],
  ['with its signs percent-encoded', encodeURIComponent(TOKEN)],
  ['percent-encoded in lower case', hex(TOKEN, /[^\w]/g)],
  ['with each character percent-encoded', hex(TOKEN, /[^]/g)],
  ['with each character percent-encoded in upper case', hex(TOKEN, /[^]/g, upper)],
  ['with every other character percent-encoded', hex(TOKEN, /[^](?=(?:[^]{2})*$)/g, upper)],
  ['encoded twice', encodeURIComponent(hex(TOKEN, /[^]/g))],
  ['encoded three times', encodeURIComponent(encodeURIComponent(hex(TOKEN, /[^]/g)))],
  ['encoded six times', hex(TOKEN, /[^]/g).replaceAll('%', '%2525252525')],
]

async function eventsOf(
  request: Request,
  config: AuthConfig = {},
  verdict: Verdict = { outcome: 'allow', principal: 'alice' },
): Promise<AuthEvent[]> {
  const events: AuthEvent[] = []
  const guard = createAuthenticator({
    verifier: () => verdict,
    requestIdHeader: 'x-request-id',
    onEvent: (event) => events.push(event),
    ...config,
  })
  await guard(request)
  return events
}

describe.each(FORMS)('the token %s', (_form, text) => {
  it.each(['allow', 'deny'] as const)(
    'is in no fact of the event of a decision: %s',
    async (outcome) => {
      const request = get(`/v1/${text}/x`, TOKEN, { 'x-request-id': `id-${text}` })
      const verdict: Verdict =
        outcome === 'allow' ? { outcome, principal: `user ${text}` } : { outcome }
      const [event] = await eventsOf(request, {}, verdict)
      expect(event).toMatchObject({ outcome, path: '', method: 'GET' })
      expect(event).not.toHaveProperty('requestId')
      expect(event).not.toHaveProperty('principal')
    },
  )

  it('is in no fact of the event of a route check, whichever guard has read it', async () => {
    const events: AuthEvent[] = []
    const allow: AuthConfig = { verifier: () => ({ outcome: 'allow', principal: 'alice' }) }
    const onEvent = (event: AuthEvent): number => events.push(event)
    const admins = withAccess(() => new Response(), { roles: ['admin'] })
    const inner = withAuth(admins, { ...allow, credentials: [{ header: 'x-key' }], onEvent })
    const guarded = withAuth(inner, allow)
    await guarded(get(`/${text}`, TOKEN, { 'x-key': 'sk-other', 'x-request-id': text }))
    await guarded(get(`/${text}`, 'sk-other', { 'x-key': TOKEN, 'x-request-id': text }))
    const checks = events.filter(({ type }) => type === 'access')
    expect(checks).toEqual([
      expect.objectContaining({ path: '', method: 'GET' }),
      expect.objectContaining({ path: '', method: 'GET' }),
    ])
    for (const check of checks) expect(check).not.toHaveProperty('requestId')
  })

  it('is in no failure of the gateway', async () => {
    const failures: GatewayFailure[] = []
    const gateway = createGateway({
      upstream: 'http://127.0.0.1:1',
      fetch: () => Promise.reject(new TypeError('fetch failed')),
      onFailure: (failure) => failures.push(failure),
    })
    const guarded = withAuth(gateway, { verifier: () => ({ outcome: 'allow' }) })
    await guarded(get(`/${text}`, TOKEN))
    await gateway(get(`/${text}`, TOKEN))
    expect(failures).toMatchObject([
      { code: 'upstream_unreachable', method: 'GET', path: '' },
      { code: 'not_configured', method: 'GET', path: '' },
    ])
  })
})

const KEY = 'sk-0123456789'

/** The event of a request with these fields. */
async function eventOf(
  headers: Record<string, string>,
  config: AuthConfig = {},
  { path = '/a', method = 'GET', principal = 'alice' } = {},
): Promise<AuthEvent | undefined> {
  const request = raw(`http://h${path}`, headers, method)
  return (await eventsOf(request, config, { outcome: 'allow', principal }))[0]
}

const bearer = { authorization: `Bearer ${KEY}` }

describe('the method', () => {
  const withUnreadable = { authorization: `Bearer ${KEY}, Bearer a` }

  it.each([KEY, `X-${KEY}`, KEY.replace('0', '%30'), `M${'X'.repeat(24)}${KEY}`])(
    'is not shown if it holds the token: %s',
    async (method) => {
      expect(await eventOf(bearer, {}, { method })).toMatchObject({ path: '/a', method: '' })
      const failures: GatewayFailure[] = []
      const onFailure = (failure: GatewayFailure): number => failures.push(failure)
      const gateway = createGateway({ upstream: 'http://127.0.0.1:1', onFailure })
      const request = new Request('https://api.example.test/x', { method, headers: bearer })
      await withAuth(gateway, { verifier: () => ({ outcome: 'allow' }) })(request)
      expect(failures).toMatchObject([{ code: 'method_not_allowed', path: '/x', method: '' }])
    },
  )

  it.each([
    [
      'beside credentials that cannot be read if it is a standard one',
      withUnreadable,
      'PATCH',
      'PATCH',
    ],
    ['not beside them if it is another one', withUnreadable, KEY, ''],
    ['as the client sent it', bearer, 'get', 'get'],
    ['whole', bearer, 'M'.repeat(32), 'M'.repeat(32)],
    ['cut at 32 characters', bearer, 'M'.repeat(1000), 'M'.repeat(32)],
  ])('is shown %s', async (_how, headers, method, shown) => {
    expect(await eventOf(headers, {}, { method })).toMatchObject({ method: shown })
  })
})

describe('the request id', () => {
  it.each([
    '1',
    '0af7651916cd43dd8448eb211c80319c',
    '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
    'x'.repeat(128),
  ])('is what the client sent: %s', async (id) => {
    expect(await eventOf({ ...bearer, 'x-request-id': id })).toMatchObject({ requestId: id })
  })

  it.each(['', 'a b', 'a\tb', 'é', '\u0080', 'x'.repeat(129), '1, 2'])(
    'is left out if it is not 1 to 128 visible ASCII characters: %j',
    async (id) => {
      const event = await eventOf({ ...bearer, 'x-request-id': id })
      expect(event).not.toHaveProperty('requestId')
    },
  )

  it('is left out if the client sent none, or if no header is named', async () => {
    expect(await eventOf(bearer)).not.toHaveProperty('requestId')
    const request = get('/a', KEY, { 'x-request-id': '1', false: '2' })
    const [event] = await eventsOf(request, { requestIdHeader: false })
    expect(event).not.toHaveProperty('requestId')
  })

  it('is left out if the headers cannot be read', async () => {
    const request = Object.defineProperty(get('/a'), 'headers', {
      get: () => {
        throw new Error('bug')
      },
    })
    const [event] = await eventsOf(request)
    expect(event).toMatchObject({ reason: 'internal_error', method: '' })
    expect(event).not.toHaveProperty('requestId')
  })
})

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'

it.each([
  ['of a valid traceparent is shown', KEY, '-b7ad6b7169203331-01', TRACE_ID],
  ['of another one is not', KEY, '-b7ad6b7169203331', undefined],
  ['that is the token is not', TRACE_ID, '-b7ad6b7169203331-01', undefined],
])('the trace id %s', async (_which, token, end, traceId) => {
  const headers = { authorization: `Bearer ${token}`, traceparent: `00-${TRACE_ID}${end}` }
  const event = (await eventOf(headers)) ?? {}
  expect(Object.entries(event).filter(([name]) => name === 'traceId')).toEqual(
    traceId === undefined ? [] : [['traceId', traceId]],
  )
})

describe('a request that is not checked', () => {
  const config: AuthConfig = { public: ['/a', '/a/*'] }

  it.each([
    ['its request id', bearer, '1', '1'],
    ['its request id without a token', {}, KEY, KEY],
    ['none that holds the token', bearer, `a-${KEY}`, undefined],
    [
      'none if the token cannot be read',
      { authorization: `Bearer ${KEY}, Bearer a` },
      KEY,
      undefined,
    ],
  ])('has %s', async (_what, headers, id, requestId) => {
    const event = await eventOf({ ...headers, 'x-request-id': id }, config)
    expect({ requestId: undefined, ...event }).toMatchObject({ outcome: 'public', requestId })
  })

  it('has no path and no request id if a key in another header cannot be read', async () => {
    const headers = { 'x-api-key': `${KEY} x`, 'x-request-id': KEY }
    const byKey: AuthConfig = { ...config, credentials: { header: 'x-api-key' } }
    const event = await eventOf(headers, byKey, { path: `/a/${KEY}` })
    expect(event).toMatchObject({ outcome: 'public', path: '' })
    expect(event).not.toHaveProperty('requestId')
  })

  it.each([
    `Bearer ${KEY}, Bearer ${KEY}`,
    `Basic ${KEY}`,
    `Token  ${KEY} `,
    KEY,
    `Basic ${KEY}, Basic ${KEY}`,
    `Basic ${KEY}, Basic dTpw`,
    `Digest response="${KEY}"`,
    `Token token=${KEY}`,
  ])(
    'has no path and no request id that holds what Authorization says: %s',
    async (authorization) => {
      const headers = { authorization, 'x-request-id': `a-${KEY}` }
      const event = await eventOf(headers, config, { path: `/a/${KEY}` })
      expect(event).toMatchObject({ outcome: 'public', path: '', method: 'GET' })
      expect(event).not.toHaveProperty('requestId')
    },
  )

  it.each(['Basic dTpw', 'Basic  dTpw', 'dTpw', ' '])(
    'has its path and its request id with Authorization: %j',
    async (authorization) => {
      const event = await eventOf({ authorization, 'x-request-id': 'req-1' }, config)
      expect(event).toMatchObject({ outcome: 'public', path: '/a', requestId: 'req-1' })
    },
  )
})

it.each([
  ['alice', 'alice'],
  ['a\n{"outcome":"deny"}', 'a\n{"outcome":"deny"}'],
  ['a'.repeat(257), 'a'.repeat(256)],
  [KEY, undefined],
  [`user of ${KEY}`, undefined],
  // The token is cut off, but its beginning would stay.
  ['a'.repeat(250) + KEY, undefined],
])('the principal %j is shown as %j, cut and without the token', async (said, principal) => {
  const event = await eventOf(bearer, {}, { principal: said })
  expect({ principal: undefined, ...event }).toMatchObject({ principal })
})

describe('a path that is cut', () => {
  const pathOf = async (path: string, token: string, config: AuthConfig = {}): Promise<unknown> => {
    const [event] = await eventsOf(get(path, token), config)
    return Reflect.get(event ?? {}, 'path')
  }
  const before = (count: number): string => `/${'x'.repeat(count - 1)}`

  it.each([
    ['at its last character', TOKEN.slice(0, -1)],
    ['after four characters', TOKEN.slice(0, 4)],
    ['within a percent-encoded sign', `${TOKEN.slice(0, 6)}%2`],
    ['within a sign that is encoded twice', `${TOKEN.slice(0, 6)}%252`],
  ])('within the token, %s, is not shown', async (_where, part) => {
    const rest = encodeURIComponent(TOKEN)
    expect(await pathOf(`${before(256 - part.length)}${part}${rest}`, TOKEN)).toBe('')
  })

  it('is shown if what is left of it holds no more than three characters of the token', async () => {
    const shown = `${before(253)}${TOKEN.slice(0, 3)}`
    expect(await pathOf(`${shown}${TOKEN.slice(3)}`, TOKEN)).toBe(shown)
    expect(await pathOf(`${before(256)}/${TOKEN}`, TOKEN)).toBe(before(256))
  })
})

it('a path that is not cut is shown, also if it ends as the token begins', async () => {
  const path = `/${TOKEN.slice(0, 6)}`
  expect(await eventsOf(get(path, TOKEN))).toMatchObject([{ path }])
})

it('the name of a caller is shown, since it is not a secret', async () => {
  const ask = (): Verdict => ({ outcome: 'allow', principal: 'ada' })
  const verifier = defineVerifier({ ask, consumes: ['x-user'], namesCaller: true })
  const credentials = { header: 'x-user' }
  const request = get('/users/ada', undefined, { 'x-user': 'ada', 'x-request-id': 'ada-1' })
  expect(await eventsOf(request, { verifier, credentials })).toMatchObject([
    { path: '/users/ada', principal: 'ada', requestId: 'ada-1' },
  ])
})

it('a token that a client has encoded thousands of times is decoded a few times', async () => {
  const decode = vi.spyOn(String, 'fromCharCode')
  await eventsOf(get(`/%${'25'.repeat(100)}`, `%${'25'.repeat(4000)}`))
  expect(decode.mock.calls.length).toBeLessThan(100)
})

it('a token with percent signs is not shown as a router decodes it', async () => {
  const token = 'ab%41cd%2Fef'
  const config: AuthConfig = {}
  for (const path of ['/ab%41cd%2Fef', '/abAcd%2fef', '/ab%2541cd%252Fef', '/abAcd/ef']) {
    expect(await eventsOf(get(path, token), config)).toMatchObject([{ path: '' }])
  }
  expect(await eventsOf(get('/ab%2Fcd', token), config)).toMatchObject([{ path: '/ab%2Fcd' }])
})

it('a request whose method cannot be read is not shown with its token', async () => {
  const request = Object.defineProperty(get(`/${TOKEN}`, TOKEN), 'method', {
    get: () => {
      throw new Error('bug')
    },
  })
  const events = await eventsOf(request)
  expect(events).toMatchObject([{ path: '', method: '' }])
  expect(JSON.stringify(events)).not.toContain(TOKEN)
})

it('a route check of a request whose URL cannot be read shows its method, and no path', async () => {
  const events: AuthEvent[] = []
  const onEvent = (event: AuthEvent): number => events.push(event)
  const request = get('/a', TOKEN)
  await createAuthenticator({ verifier: () => ({ outcome: 'allow' }), onEvent })(request)
  Object.defineProperty(request, 'url', { value: 'nothing' })
  checkAccess(request, { roles: ['admin'] })
  expect(events.at(-1)).toMatchObject({ type: 'access', path: '', method: 'GET' })
})

it('other percent signs hide nothing', async () => {
  const path = '/a%20b/%252F/%25252F/%E2%82%AC/100%25'
  const request = get(path, TOKEN, { 'x-request-id': '%41%' })
  expect(await eventsOf(request)).toMatchObject([{ path, requestId: '%41%' }])
})
