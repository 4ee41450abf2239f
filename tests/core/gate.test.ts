import { HttpResponse } from 'msw'
import { beforeEach, describe, expect, it } from 'vitest'
import { createGate } from '../../src/core/gate.ts'
import { admissionOf } from '../../src/core/response/admission.ts'
import { AuthUnavailableError, getAuth, memoryCache } from '../../src/index.ts'
import { allow, decide } from '../support/decide.ts'
import { ENDPOINT, setupEndpoint } from '../support/msw-endpoint.ts'
import { get, raw } from '../support/requests.ts'
import type { AuthConfig, AuthEvent } from '../../src/index.ts'

const endpoint = setupEndpoint()

describe('a decision', () => {
  it('is an allow with the identity if the endpoint answers 200', async () => {
    endpoint.answer(allow)
    const request = get('/a/b?x=1', 'k1')
    const startedAt = performance.now()
    const { event, ...decision } = await decide({}, request)
    const tookMs = performance.now() - startedAt
    const auth = { principal: 'alice', attributes: { roles: ['a'] } }
    expect(decision).toEqual({ admitted: true, auth })
    expect(admissionOf(request)?.admission).toEqual(decision)
    expect(getAuth(request)).toEqual(auth)
    expect(event).toEqual({
      type: 'decision',
      outcome: 'allow',
      path: '/a/b',
      method: 'GET',
      principal: 'alice',
      durationMs: expect.any(Number) as number,
      cache: 'off',
      endpointStatus: 200,
      attempts: 1,
    })
    expect(event.durationMs).toBeGreaterThan(0)
    expect(event.durationMs).toBeLessThanOrEqual(tookMs)
  })

  it.each([
    ['a malformed token', 'a secret', 'malformed_credentials'],
    ['a token', 'secret', 'internal_error'],
  ])('hides %s that `clientAddress` takes out of the headers', async (_what, token, reason) => {
    const events: AuthEvent[] = []
    const request = raw(`http://h/p/${encodeURIComponent(token)}`, {
      authorization: `Bearer ${token}`,
    })
    const gate = createGate({
      endpoint: ENDPOINT,
      context: {
        headers: [],
        clientAddress: ({ headers }) => {
          headers.delete('authorization')
          throw new TypeError('no address')
        },
      },
      cache: memoryCache(),
      onEvent: (event) => events.push(event),
    })
    expect(await gate.decide(request, [])).toMatchObject({ admitted: false, reason })
    expect(events).toMatchObject([{ reason, path: '' }])
  })

  it('is synchronous if the endpoint is not asked', () => {
    const { decide: made } = createGate({
      endpoint: ENDPOINT,
      public: ['/healthz'],
      preflight: 'allow',
    })
    expect(made(get('/a'), [])).toMatchObject({ admitted: false, reason: 'missing_credentials' })
    expect(made(get('/healthz'), [])).toEqual({ admitted: true, exemption: 'public' })
    expect(made(raw('http://h?/a'), [])).toMatchObject({ reason: 'malformed_request' })
  })

  it('is synchronous while the circuit is open', async () => {
    const verifier = (): never => {
      throw new AuthUnavailableError('unreachable')
    }
    const { decide: made } = createGate({ verifier, retry: false })
    for (let turn = 0; turn < 10; turn += 1) await made(get('/a', 'k1'), [])
    expect(made(get('/a', 'k1'), [])).toMatchObject({ admitted: false, reason: 'circuit_open' })
  })

  it.each<[string, Request, string, string]>([
    ['no header', get('/a'), 'missing_credentials', '/a'],
    [
      'another scheme',
      raw('http://h/a', { authorization: 'Basic x' }),
      'missing_credentials',
      '/a',
    ],
    [
      'a malformed token',
      raw('http://h/a', { authorization: 'Bearer x y' }),
      'malformed_credentials',
      // It may hold the token, which cannot be read.
      '',
    ],
    [
      'a dot segment',
      raw('http://h/a/../b', { authorization: 'Bearer x' }),
      'malformed_request',
      '',
    ],
    ['too many parameters', get(`/a?${'a&'.repeat(1001)}`, 'k1'), 'malformed_request', '/a'],
  ])('is made without the endpoint for %s', async (_what, request, reason, path) => {
    const { event } = await decide({}, request)
    const none = { cache: 'off', attempts: 0 }
    expect(event).toMatchObject({ outcome: 'deny', reason, path, method: 'GET', ...none })
    expect(event).not.toHaveProperty('endpointStatus')
    expect(endpoint.asked).toEqual([])
  })

  it('is an internal error if anything else throws', async () => {
    const bug = (): never => {
      throw new Error('bug')
    }
    const { event } = await decide({ verifier: bug }, get('/a', 'k1'))
    expect(event).toMatchObject({ reason: 'internal_error', status: 401 })
    const request = Object.defineProperty(get('/a', 'k1'), 'headers', { get: bug })
    // The path may hold the token, which cannot be read.
    expect((await decide({}, request)).event).toMatchObject({ reason: 'internal_error', path: '' })
    const nameless = Object.defineProperty(get('/a', 'k1'), 'url', { get: bug })
    const shown = { reason: 'internal_error', path: '', method: 'GET' }
    expect((await decide({}, nameless)).event).toMatchObject(shown)
  })
})

describe('a preflight', () => {
  const fields = { origin: 'https://app.example.test', 'access-control-request-method': 'POST' }
  const config: AuthConfig = {
    preflight: 'allow',
    credentials: ['bearer', { header: 'x-api-key' }],
  }

  it('is admitted without the endpoint if `preflight` allows it', async () => {
    const { admitted, event } = await decide(config, raw('http://h/a', fields, 'OPTIONS'))
    expect(admitted).toBe(true)
    expect(event).toMatchObject({ outcome: 'preflight', attempts: 0 })
  })

  it.each<[string, Record<string, string>, string]>([
    ['another method', fields, 'POST'],
    ['a method in lower case', fields, 'options'],
    ['no origin', { 'access-control-request-method': 'POST' }, 'OPTIONS'],
    ['no method asked for', { origin: 'https://app.example.test' }, 'OPTIONS'],
    ['a token', { ...fields, authorization: 'Bearer k1' }, 'OPTIONS'],
    ['a malformed token', { ...fields, authorization: 'Bearer a b' }, 'OPTIONS'],
    ['other credentials', { ...fields, authorization: 'Basic eA==' }, 'OPTIONS'],
    ['a cookie', { ...fields, cookie: 'a=b' }, 'OPTIONS'],
    ['a wish to upgrade', { ...fields, upgrade: 'websocket' }, 'OPTIONS'],
    ['a key', { ...fields, 'x-api-key': 'k1' }, 'OPTIONS'],
    ['a malformed key', { ...fields, 'x-api-key': 'k 1' }, 'OPTIONS'],
  ])('is none with %s', async (_what, headers, method) => {
    const { admitted } = await decide(config, raw('http://h/a', headers, method))
    expect(admitted).toBe(false)
  })
})

describe('cached decisions', () => {
  let kept: AuthConfig = {}
  beforeEach(() => {
    kept = { endpoint: ENDPOINT, context: { headers: [] }, cache: memoryCache() }
  })

  it('answer at once, and the event says `hit`', async () => {
    endpoint.answer(allow)
    const events: AuthEvent[] = []
    const { decide: made } = createGate({ ...kept, onEvent: (event) => events.push(event) })
    const first = get('/a', 'k1')
    await made(first, [])
    const second = get('/a', 'k1')
    expect(made(second, [])).toMatchObject({ admitted: true, auth: { principal: 'alice' } })
    expect(getAuth(second)).toBe(getAuth(first))
    expect(events).toMatchObject([
      { cache: 'miss', attempts: 1, endpointStatus: 200 },
      { cache: 'hit', attempts: 0 },
    ])
    expect(made(get('/b', 'k1'), [])).toBeInstanceOf(Promise)
    expect(made(get('/a?x', 'k1'), [])).toBeInstanceOf(Promise)
    expect(made(get('/a', 'k2'), [])).toBeInstanceOf(Promise)
  })

  it('the event says why a decision is not cached', async () => {
    endpoint.answer(() => HttpResponse.json({}, { headers: { 'cache-control': 'no-store' } }))
    const { event } = await decide(kept, get('/a', 'k1'))
    expect(event).toMatchObject({ cache: 'skipped', skipped: 'no_store' })
  })
})
