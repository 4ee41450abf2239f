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

  it('has no field for a fact that is not known', async () => {
    endpoint.answer(() => new HttpResponse(null, { status: 401 }))
    const { event } = await decide({}, get('/a', 'k1'))
    expect(Object.keys(event).join(' ')).toBe(
      'type outcome reason status path method durationMs cache attempts endpointStatus',
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
      throwing(new AuthUnavailableError('timeout', { cause: reset, detail: 'unknown_key' })),
      'ECONNRESET',
      false,
    ],
  ])(
    'has the code that %s gave, in the event and in the decision',
    async (_what, config, cause, hasError) => {
      const { event, ...decision } = await decide(config, get('/a', 'k1'))
      expect([event.cause, decision]).toEqual([cause, expect.objectContaining({ cause })])
      expect('error' in event).toBe(hasError)
      expect(event.detail).toBe(hasError ? undefined : 'unknown_key')
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

  it('has no code where there is none', async () => {
    const { event, ...decision } = await decide({}, get('/a', 'k1'))
    const result = await createAuthenticator({ endpoint: ENDPOINT })(get('/a', 'k1'))
    expect([event, decision, result].flatMap(Object.keys)).not.toContain('cause')
  })

  it.each<[string, string, unknown]>([
    ['the class of an error', 'RangeError', bug],
    ['its code', 'ECONNRESET', new AuthUnavailableError('timeout', { cause: reset })],
    ['its explanation', 'k1', new AuthUnavailableError('timeout', { explanation: 'no key k1' })],
  ])('does not tell %s if that holds the token', async (_what, token, error) => {
    const { event, response } = await decide(throwing(error), get('/a', token))
    expect(event).not.toHaveProperty('cause')
    expect(JSON.stringify(event) + (await response?.text())).not.toContain(token)
  })

  it('that explains itself has its invisible characters escaped', async () => {
    const explanation = 'a\u{e0001}b\n'
    const error = new AuthUnavailableError('timeout', { explanation })
    const { event } = await decide(throwing(error), get('/a', 'k1'))
    expect(event.cause).toBe('a\\udb40\\udc01b\\u000a')
  })

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

  const claims = (value: unknown): object => ({
    outcome: 'allow',
    principal: 'alice',
    claims: value,
  })
  const NO_VERDICT = "Return { outcome: 'allow' } or { outcome: 'deny' }"
  const JSON_VALUE = 'must be a JSON value, received'
  class Invoice {
    readonly total = 1
  }
  const deep = (depth: number): object => (depth === 0 ? {} : { a: deep(depth - 1) })

  it.each<[unknown, string]>([
    [true, `no verdict: true. ${NO_VERDICT}`],
    [undefined, `no verdict: undefined. ${NO_VERDICT}`],
    // It may be the token.
    ['k1', `no verdict: a string. ${NO_VERDICT}`],
    [[], `no verdict: Array. ${NO_VERDICT}`],
    [new Response(), `no known outcome. ${NO_VERDICT}`],
    [claims(new Map([['role', 'guest']])), `"claims" ${JSON_VALUE} Map`],
    [claims({ a: { b: [0, new Map()] } }), `"claims.a.b.1" ${JSON_VALUE} Map`],
    [claims({ born: new Date(0) }), `"claims.born" ${JSON_VALUE} Date`],
    [claims({ last: new Invoice() }), `"claims.last" ${JSON_VALUE} Invoice`],
    [claims({ age: NaN }), `"claims.age" ${JSON_VALUE} NaN`],
    [claims({ k1: 1n }), `"claims.?" ${JSON_VALUE} a bigint (its name is not shown)`],
    [claims(deep(33)), `"claims${'.a'.repeat(32)}" must be at most 32 levels deep`],
    [claims({ a: 'x'.repeat(8192) }), '"claims" must be at most 8 KiB as JSON'],
  ])(
    'because the verifier returned something else is named, in the event and on the console (%#)',
    async (verdict, wrong) => {
      const mistake = wrong.startsWith('no') ? wrong : `a malformed identity: ${wrong}`
      const config: AuthConfig = { verifier: () => verdict as Verdict }
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
    expect((await decide(throwing(null), get('/a', 'k1'))).event.cause).toBe('null')
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
