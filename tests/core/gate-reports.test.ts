import { HttpResponse } from 'msw'
import { describe, expect, it, vi } from 'vitest'
import { createAuthenticator } from '../../src/core/authenticator.ts'
import { createGate } from '../../src/core/gate.ts'
import { AuthUnavailableError, getAuth } from '../../src/index.ts'
import { allow, decide } from '../support/decide.ts'
import { ENDPOINT, setupEndpoint } from '../support/msw-endpoint.ts'
import { get, raw } from '../support/requests.ts'
import { TOKEN } from '../support/token.ts'
import type { AuthConfig, AuthEvent, Verdict } from '../../src/index.ts'

const endpoint = setupEndpoint()

describe('the event of a decision', () => {
  const config: AuthConfig = { requestIdHeader: 'X-Request-Id', mode: 'enforce' }
  const send = (token = 'k1') => get('/a', token, { 'x-request-id': 'req-1' })

  it('has them while there is no usable config', async () => {
    vi.stubEnv('AUTH_ENDPOINT', undefined)
    const events: AuthEvent[] = []
    const { decide: made } = createGate({ ...config, onEvent: (event) => events.push(event) })
    await made(send(), [])
    vi.unstubAllEnvs()
    expect(events).toContainEqual(
      expect.objectContaining({ reason: 'not_configured', requestId: 'req-1', method: 'GET' }),
    )
  })
})

describe('shadow mode', () => {
  const answer = (request: Request): void =>
    endpoint.answer(() =>
      request.headers.get('authorization') === `Bearer ${TOKEN}`
        ? allow()
        : new HttpResponse(null, { status: 401 }),
    )

  it.each([
    [
      get('/a', 'bad'),
      { outcome: 'deny', reason: 'denied', status: 401, endpointStatus: 401 },
      'would be rejected',
    ],
    [
      get('/a'),
      { outcome: 'deny', reason: 'missing_credentials', status: 401 },
      'would be rejected',
    ],
    [
      raw('http://h?/a'),
      { outcome: 'deny', reason: 'malformed_request', status: 400 },
      'would be rejected',
    ],
    [get('/healthz'), { outcome: 'public' }, 'is public'],
  ])(
    'reports a denial, lets the request in and gives no identity (%#)',
    async (request, expected, why) => {
      answer(request)
      const respond = vi.fn<NonNullable<AuthConfig['respond']>>()
      const { admitted, event } = await decide(
        { mode: 'shadow', public: ['/healthz'], respond },
        request,
      )
      expect(admitted).toBe(true)
      expect(event).toMatchObject({ ...expected, shadow: true })
      expect(respond).not.toHaveBeenCalled()
      expect(() => getAuth(request)).toThrow(TypeError)
      expect(() => getAuth(request)).toThrow(why)
    },
  )

  it('is not in force before there is a config', async () => {
    const { admitted, event } = await decide({ mode: 'shadow', endpoint: ENDPOINT }, get('/a'))
    expect([admitted, event.shadow]).toEqual([true, true])
    vi.stubEnv('AUTH_ENDPOINT', undefined)
    const unready = await createGate({ mode: 'shadow', onEvent: () => undefined }).decide(
      get('/a', 'k1'),
      [],
    )
    expect(unready).toMatchObject({ admitted: false, reason: 'not_configured' })
  })
})

describe('a failure', () => {
  const refused = () => Promise.reject(Object.assign(new Error('a'), { code: 'ECONNREFUSED' }))
  const reset = Object.assign(new Error('a'), { code: 'ECONNRESET' })
  const bug = new RangeError('a')
  const throwing = (error: unknown): AuthConfig => ({
    verifier: () => {
      throw error
    },
  })

  it.each<[string, AuthConfig, string, boolean]>([
    ['its fetch', { fetch: refused, retry: false }, 'ECONNREFUSED', true],
    [
      'its verifier',
      throwing(new AuthUnavailableError('timeout', { cause: reset })),
      'ECONNRESET',
      false,
    ],
  ])(
    'has the code that %s gave, in the event and in the decision',
    async (_what, config, cause, hasError) => {
      const { event, ...decision } = await decide(config, get('/a', 'k1'))
      expect([event.cause, decision]).toEqual([cause, expect.objectContaining({ cause })])
      expect('error' in event).toBe(hasError)
      expect(Object.keys(event)).not.toContain('error')
      const result = await createAuthenticator({
        ...('verifier' in config ? {} : { endpoint: ENDPOINT }),
        onEvent: () => undefined,
        ...config,
      })(get('/a', 'k1'))
      expect(result).toMatchObject({ ok: false, cause })
      expect(result).not.toHaveProperty('admitted')
    },
  )

  it('that is a bug has its very error in the event, and nothing of it in the decision', async () => {
    const { event, ...decision } = await decide(throwing(bug), get('/a', 'k1'))
    expect(event.error).toBe(bug)
    expect(Object.keys(event)).not.toContain('error')
    expect(event.cause).toBe('RangeError')
    expect(Object.keys(decision)).toEqual(['admitted', 'reason', 'response'])
    const fetch = () => {
      throw bug
    }
    expect((await decide({ fetch }, get('/a', 'k1'))).event.error).toBe(bug)
  })

  const returning = (verdict: unknown): AuthConfig => ({ verifier: () => verdict as Verdict })
  const claims = (value: unknown): AuthConfig =>
    returning({ outcome: 'allow', principal: 'alice', claims: value })
  const RETURN = "Return { outcome: 'allow' } or { outcome: 'deny' }"
  class Invoice {
    readonly total = 1
  }
  const deep = (depth: number): object => (depth === 0 ? {} : { a: deep(depth - 1) })

  it.each<[string, AuthConfig, string]>([
    ['true', returning(true), `no verdict: true. ${RETURN}`],
    ['undefined', returning(undefined), `no verdict: undefined. ${RETURN}`],
    ['a text, which may be the token', returning('k1'), `no verdict: a string. ${RETURN}`],
    ['a list', returning([]), `no verdict: Array. ${RETURN}`],
    ['a Response', returning(new Response()), `no known outcome. ${RETURN}`],
    [
      'a Map of claims',
      claims(new Map([['role', 'guest']])),
      'a malformed identity: "claims" must be a JSON value, received Map',
    ],
    [
      'a Map in a claim',
      claims({ a: { b: [0, new Map()] } }),
      'a malformed identity: "claims.a.b.1" must be a JSON value, received Map',
    ],
    [
      'a Date as a claim',
      claims({ born: new Date(0) }),
      'a malformed identity: "claims.born" must be a JSON value, received Date',
    ],
    [
      'an object of a class as a claim',
      claims({ last: new Invoice() }),
      'a malformed identity: "claims.last" must be a JSON value, received Invoice',
    ],
    [
      'NaN as a claim',
      claims({ age: NaN }),
      'a malformed identity: "claims.age" must be a JSON value, received NaN',
    ],
    [
      'a bigint in a claim whose name holds the token',
      claims({ k1: 1n }),
      'a malformed identity: "claims.?" must be a JSON value, received a bigint (its name is not shown)',
    ],
    [
      'claims that are too deep',
      claims(deep(33)),
      'a malformed identity: "claims.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a" must be at most 32 levels deep',
    ],
    [
      'claims that are too long',
      claims({ a: 'x'.repeat(8192) }),
      'a malformed identity: "claims" must be at most 8 KiB as JSON',
    ],
  ])(
    'because the verifier returned %s is named, in the event and on the console',
    async (...row) => {
      const [, config, mistake] = row
      const { event } = await decide(config, get('/a', 'k1'))
      const cause = `TypeError: "verifier" returned ${mistake}`
      expect(JSON.parse(JSON.stringify(event))).toMatchObject({ reason: 'internal_error', cause })
      const write = vi.spyOn(console, 'error').mockImplementation(() => undefined)
      await createGate(config).decide(get('/a', 'k1'), [])
      expect(write).toHaveBeenCalledExactlyOnceWith(
        `with-auth: a request was rejected: "verifier" returned ${mistake}`,
      )
    },
  )

  it('because the verifier threw names the class alone, in the event and on the console', async () => {
    const secret = Object.assign(new RangeError('k1'), { name: 'k1' })
    const { event } = await decide(throwing(secret), get('/a', 'k1'))
    expect(JSON.parse(JSON.stringify(event))).toMatchObject({ cause: 'RangeError' })
    expect((await decide(throwing('k1'), get('/a', 'k1'))).event.cause).toBe('a string')
    const write = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    await createGate(throwing(secret)).decide(get('/a', 'k1'), [])
    expect(write).toHaveBeenCalledExactlyOnceWith(
      'with-auth: "verifier" threw RangeError: requests are rejected. To see the error, read event.error in "onEvent"',
    )
  })

  it('that rejects every request is on the console once, without an observer', async () => {
    const write = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const { decide: made } = createGate({ endpoint: ENDPOINT, fetch: refused, retry: false })
    const send = (token: string) => made(get('/a', token), [])
    for (const token of ['k1', 'k2', 'k3']) await send(token)
    expect(write).toHaveBeenCalledExactlyOnceWith(
      'with-auth: the auth endpoint https://auth.example.test is unreachable (ECONNREFUSED): requests are rejected. Is it running?',
    )
  })

  it.each<[string, AuthConfig, string | undefined, number]>([
    ['with an observer', { onEvent: () => undefined }, 'k1', 0],
    ['in shadow mode', { mode: 'shadow' }, 'k1', 0],
    ['without a token', {}, undefined, 0],
    ['otherwise', {}, 'k1', 1],
  ])('is written %s so often', async (_what, more, token, lines) => {
    const write = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    await createGate({ ...throwing(bug), ...more }).decide(get('/a', token), [])
    expect(write).toHaveBeenCalledTimes(lines)
  })
})
