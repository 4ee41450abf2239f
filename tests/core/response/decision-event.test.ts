import { describe, expect, it } from 'vitest'
import { createCredentialsReader } from '../../../src/core/request/credentials.ts'
import { createDecisionEvent } from '../../../src/core/response/decision-event.ts'
import { get, raw } from '../../support/requests.ts'
import type { Auth, DecisionEvent } from '../../../src/index.ts'

const readCredentials = createCredentialsReader(['bearer'])

/** The facts in an event about a request and its caller. */
function auditFacts(
  request: Request,
  requestIdHeader: string | false,
  auth: Auth | undefined,
  token: string | undefined,
): Pick<DecisionEvent, 'method' | 'principal' | 'requestId'> {
  const decided = {
    request,
    startedAt: performance.now(),
    setup: { config: { requestIdHeader }, readCredentials },
  }
  const known = token === undefined ? decided : { ...decided, token, hit: { verifier: undefined } }
  const { type, outcome, path, durationMs, cache, attempts, ...facts } = createDecisionEvent(
    { ...known, auth },
    'allow',
  )
  expect({ type, outcome, path, attempts }).toEqual({
    type: 'decision',
    outcome: 'allow',
    path: '',
    attempts: 0,
  })
  expect(durationMs).toBeGreaterThanOrEqual(0)
  expect(cache).toBe(token === undefined ? 'off' : 'hit')
  return facts
}

const HEADER = 'x-request-id'
const TOKEN = 'sk-0123456789'
const attributes = Object.freeze({})

function requestIdOf(value: string): string | undefined {
  return auditFacts(raw('http://h/', { [HEADER]: value }), HEADER, undefined, TOKEN).requestId
}

function principalOf(principal: string): string | undefined {
  return auditFacts(get('/'), false, { principal, attributes }, TOKEN).principal
}

describe('the request id', () => {
  it.each([
    '1',
    '0af7651916cd43dd8448eb211c80319c',
    '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
    'x'.repeat(128),
  ])('is what the client sent: %s', (value) => expect(requestIdOf(value)).toBe(value))

  it.each(['', 'a b', 'a\tb', 'é', '\u0080', 'x'.repeat(129), '1, 2'])(
    'is left out if it is not 1 to 128 visible ASCII characters: %j',
    (value) => expect(requestIdOf(value)).toBeUndefined(),
  )

  it('is left out if the client sent none, or one twice', () => {
    expect(auditFacts(get('/'), HEADER, undefined, TOKEN)).toEqual({ method: 'GET' })
    const headers = new Headers([
      [HEADER, 'one'],
      [HEADER, 'two'],
    ])
    const twice = new Request('http://h/', { headers })
    expect(auditFacts(twice, HEADER, undefined, TOKEN)).toEqual({ method: 'GET' })
  })

  it('is absent if `requestIdHeader` is false', () => {
    const request = get('/', undefined, { [HEADER]: '1', false: '2' })
    expect(auditFacts(request, false, undefined, TOKEN)).toEqual({ method: 'GET' })
  })
})

describe('a request that is not checked', () => {
  const eventOf = (request: Request, path = '/a', reader = readCredentials) =>
    createDecisionEvent(
      {
        request,
        startedAt: performance.now(),
        setup: { config: { requestIdHeader: HEADER }, readCredentials: reader },
        target: { path, query: '' },
      },
      'public',
    )
  const withId = (authorization: string | undefined, id: string): Request =>
    raw('http://h/', { ...(authorization === undefined ? {} : { authorization }), [HEADER]: id })

  it.each<[string, string | undefined, string, string | undefined]>([
    ['has its request id', `Bearer ${TOKEN}`, '1', '1'],
    ['has its request id without a token', undefined, TOKEN, TOKEN],
    ['has none that holds the token', `Bearer ${TOKEN}`, `a-${TOKEN}`, undefined],
    ['has none if the token cannot be read', `Bearer ${TOKEN}, Bearer a`, TOKEN, undefined],
  ])('%s', (_what, authorization, id, shown) => {
    expect(eventOf(withId(authorization, id)).requestId).toBe(shown)
  })

  it.each([
    `Bearer ${TOKEN}, Bearer ${TOKEN}`,
    `Basic ${TOKEN}`,
    `Token  ${TOKEN} `,
    TOKEN,
    `Basic ${TOKEN}, Basic ${TOKEN}`,
    `Basic ${TOKEN}, Basic dTpw`,
    `Digest response="${TOKEN}"`,
    `Token token=${TOKEN}`,
  ])('has no path and no request id that holds what Authorization says: %s', (authorization) => {
    const event = eventOf(withId(authorization, `a-${TOKEN}`), `/a/${TOKEN}`)
    expect(event.path).toBe('')
    expect(event).not.toHaveProperty('requestId')
  })

  it.each(['Basic dTpw', 'Basic  dTpw', 'dTpw', ' '])(
    'has its path and its request id with Authorization: %j',
    (authorization) => {
      const event = eventOf(withId(authorization, 'req-1'), '/a')
      expect(event).toMatchObject({ path: '/a', requestId: 'req-1' })
    },
  )
})

describe('the principal', () => {
  it('is what the endpoint said, cut at 256 characters', () => {
    expect(principalOf('alice')).toBe('alice')
    expect(principalOf('a\n{"outcome":"deny"}')).toBe('a\n{"outcome":"deny"}')
    expect(principalOf('a'.repeat(256))).toHaveLength(256)
    expect(principalOf('a'.repeat(257))).toHaveLength(256)
    const unread = auditFacts(get('/'), false, { principal: 'undefined', attributes }, undefined)
    expect(unread.principal).toBe('undefined')
  })

  it('is left out if the endpoint sent none, or if it holds the token', () => {
    expect(auditFacts(get('/'), false, { attributes }, TOKEN)).toEqual({ method: 'GET' })
    expect(principalOf(TOKEN)).toBeUndefined()
    expect(principalOf(`user of ${TOKEN}`)).toBeUndefined()
    // The token is cut off, but its beginning would stay.
    expect(principalOf('a'.repeat(250) + TOKEN)).toBeUndefined()
  })
})

describe('the method', () => {
  it.each([
    ['POST', 'POST'],
    ['get', 'get'],
    ['M'.repeat(32), 'M'.repeat(32)],
    ['M'.repeat(1000), 'M'.repeat(32)],
  ])('is what the client sent, cut at 32 characters: %s', (method, shown) => {
    expect(auditFacts(raw('http://h/', {}, method), false, undefined, TOKEN).method).toBe(shown)
  })

  it.each([
    ['method', ''],
    ['headers', 'GET'],
  ])('does not depend on whether the %s of a Request can be read', (name, method) => {
    const request = Object.defineProperty(get('/'), name, {
      get: () => {
        throw new Error('bug')
      },
    })
    expect(auditFacts(request, HEADER, undefined, TOKEN)).toEqual({ method })
  })
})
