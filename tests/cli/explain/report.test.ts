import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { describeCall } from '../../../src/cli/explain/answers.ts'
import { compareClaims } from '../../../src/cli/explain/claims.ts'
import { describeExplanation, describeTable } from '../../../src/cli/explain/report.ts'
import { encode } from '../../support/issuer.ts'
import type { Explanation } from '../../../src/cli/explain/explanation.ts'

/** The printed words of `with-auth explain`. */

const NOW = Date.parse('2026-03-01T12:00:00Z')
const SECOND = 1000

beforeEach(() => {
  vi.spyOn(Date.prototype, 'getTimezoneOffset').mockReturnValue(0)
  vi.useFakeTimers({ toFake: ['Date'], now: NOW })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const ALLOWED: Explanation = {
  method: 'GET',
  path: '/v1/models?x=1',
  outcome: 'allowed',
  code: 'allow',
  why: 'The token is good.',
  change: [],
  providers: [],
  rules: [],
  warnings: [],
  leftOut: [],
}

describe('the printed explanation', () => {
  it('is two sentences for a request that nothing is known about', () => {
    expect(describeExplanation(ALLOWED)).toBe(
      `GET /v1/models?x=1: allowed

Why: The token is good.

The client gets what the server behind answers.
`,
    )
    expect(describeExplanation({ ...ALLOWED, outcome: 'rejected', code: 'denied' })).toBe(
      `GET /v1/models?x=1: rejected (denied)

Why: The token is good.
`,
    )
  })

  it('has all that was found, in the order of the decision', () => {
    const text = describeExplanation({
      ...ALLOWED,
      outcome: 'no_decision',
      code: 'unreachable',
      detail: 'expired',
      why: 'The service cannot be reached.',
      change: ['Start it.', 'Or wait.'],
      providers: [
        {
          key: 'server.auth.providers[0]',
          type: 'api_keys',
          place: 'run.yaml:3',
          result: 'denied',
          why: 'revoked',
          apiKey: { says: 'key_1: revoked', record: {} },
          asked: [],
        },
        {
          key: 'server.auth.providers[1]',
          type: 'oauth2_token',
          place: undefined,
          result: 'no answer',
          claims: [
            { claim: 'iss', says: 'me', wants: 'you', ok: false },
            { claim: 'aud', says: 'api', wants: 'api', ok: true },
            { claim: 'azp', says: 'web', wants: 'any' },
          ],
          asked: [
            { method: 'GET', url: 'http://a.example/', said: {} },
            {
              method: 'GET',
              url: 'http://a.example/b',
              cause: 'ECONNRESET',
              durationMs: 999,
              said: {},
            },
            {
              method: 'POST',
              url: 'http://a.example/c',
              status: 200,
              durationMs: 1049,
              said: { active: 'false', error: 'no' },
            },
          ],
        },
      ],
      rules: [
        {
          rule: 0,
          place: 'run.yaml:9',
          says: 'forbid /a',
          decides: false,
          misfit: 'it is about other paths',
        },
        { rule: 1, place: undefined, says: 'permit *', decides: true },
      ],
      caller: {
        principal: 'alice b',
        attributes: { roles: ['dev', 'ops'] },
        expiresAt: NOW + 7200 * SECOND,
      },
      cached: { forMs: 30_000, until: NOW + 30 * SECOND },
      warnings: ['A clock is wrong'],
      leftOut: ['a query (in --path)'],
      response: { status: 503, headers: { 'retry-after': '1', vary: 'x' }, body: '{}' },
    })
    expect(text).toBe(
      `GET /v1/models?x=1: no decision with 503 (unreachable, expired)

server.auth.providers[0], api_keys (run.yaml:3): denied: revoked
  key_1: revoked

server.auth.providers[1], oauth2_token: no answer
  GET http://a.example/: no answer
  GET http://a.example/b: no answer, ECONNRESET after 999 ms
  POST http://a.example/c: 200 after 1 s
      active: false
      error: no
  claim  the token says  the config wants
  iss    me              you               NO
  aud    api             api               ok
  azp    web             any

Rules of route_policy:
  0 (run.yaml:9) forbid /a: does not apply, since it is about other paths
  1 permit *: decides

Why: The service cannot be reached.

What to change:
  Start it.
  Or wait.

The caller:
  principal: "alice b"
  roles: dev, ops
  ends: 2026-03-01 14:00:00 +00:00 (in 2 hours)

This decision would be cached for at most 30 s, until 2026-03-01 12:00:30 +00:00 (in 30 seconds).

Warnings:
  A clock is wrong

Left out, and an endpoint may decide by it:
  a query (in --path)

The client gets 503:
  retry-after: 1
  vary: x
  {}
`,
    )
  })

  it('shows a caller alone, and why a decision is not cached', () => {
    const caller = { principal: 'al', attributes: {} }
    expect(describeExplanation({ ...ALLOWED, caller })).toContain(
      '\nThe caller:\n  principal: al\n\nThe client',
    )
    const cached = { forMs: 0, why: 'there is no "cache"' }
    expect(describeExplanation({ ...ALLOWED, cached })).toContain(
      'This decision is not cached: there is no "cache".\n',
    )
  })

  it('is a table for several requests', () => {
    const response = { status: 401, headers: {}, body: '' }
    const rejected = { ...ALLOWED, outcome: 'rejected', code: 'denied', response } as const
    expect(describeTable([ALLOWED, rejected, { ...rejected, detail: 'expired' }])).toBe(
      `METHOD  PATH            RESULT        CODE     WHY
GET     /v1/models?x=1  allowed       allow    The token is good.
GET     /v1/models?x=1  rejected 401  denied   The token is good.
GET     /v1/models?x=1  rejected 401  expired  The token is good.
`,
    )
  })
})

const RULES = { issuer: 'me', audience: ['api'], algorithms: ['RS256'] }
const tokenOf = (header: object, claims: object): string => `${encode(header)}.${encode(claims)}.x`

describe('the claims of a token beside the config', () => {
  const rowsOf = (header: object, claims: object, rules: object = RULES) =>
    compareClaims(tokenOf(header, claims), rules, 'allow') ?? []

  it('are all good, with the times as clocks show them', () => {
    const second = NOW / SECOND
    const claims = {
      iss: 'me',
      aud: 'api',
      azp: 'web',
      exp: second + 60,
      nbf: second - 60,
      sub: 'al',
    }
    expect(rowsOf({ alg: 'RS256', typ: 'JWT', kid: 'k' }, { ...claims, typ: 'Bearer' })).toEqual([
      { claim: 'alg', says: 'RS256', wants: 'RS256', ok: true },
      { claim: 'typ', says: 'JWT', wants: 'JWT or at+jwt or none', ok: true },
      { claim: 'kid', says: 'k', wants: 'the key that signed it', ok: true },
      { claim: 'iss', says: 'me', wants: 'me', ok: true },
      { claim: 'aud', says: 'api', wants: 'api', ok: true },
      { claim: 'azp', says: 'web', wants: 'any' },
      {
        claim: 'exp',
        says: '2026-03-01 12:01:00 +00:00 (in 1 minute)',
        wants: 'in the future',
        ok: true,
      },
      {
        claim: 'nbf',
        says: '2026-03-01 11:59:00 +00:00 (1 minute ago)',
        wants: 'in the past, or none',
        ok: true,
      },
      { claim: 'typ (claim)', says: 'Bearer', wants: 'that of an access token', ok: true },
      { claim: 'cnf', says: 'none', wants: 'none, since it is a Bearer token', ok: true },
      { claim: 'sub', says: 'al', wants: 'the name of the caller', ok: true },
    ])
  })

  it.each([
    ['alg', { alg: 'HS256' }, {}],
    ['typ', { typ: 'id' }, {}],
    ['iss', {}, { iss: 'you' }],
    ['iss', {}, { iss: undefined }],
    ['aud', {}, { aud: ['other'] }],
    ['exp', {}, { exp: NOW / SECOND - 60 }],
    ['exp', {}, { exp: 'soon' }],
    ['nbf', {}, { nbf: NOW / SECOND + 60 }],
    ['typ (claim)', {}, { typ: 'ID' }],
    ['token_use (claim)', {}, { token_use: 'id' }],
    ['cnf', {}, { cnf: { jkt: 'x' } }],
    ['sub', {}, { sub: '' }],
    ['sub', {}, { sub: 7 }],
  ])('one alone is bad: %s by %j and %j', (claim, header, claims) => {
    const good = { iss: 'me', aud: 'api', exp: NOW / SECOND + 60, sub: 'al' }
    const rows = rowsOf({ alg: 'RS256', ...header }, { ...good, ...claims })
    expect(rows.filter(({ ok }) => ok === false).map((row) => row.claim)).toEqual([claim])
  })

  it('are compared with what the file says in place of the defaults', () => {
    const rules = {
      audience: ['a', 'b', 'c', 'd', 'e'],
      algorithms: ['ES256', 'RS256'],
      types: ['own+jwt', 'JWT'],
      clock_tolerance_seconds: 61,
      principal: 'user.name',
    }
    const claims = { aud: 'a', exp: NOW / SECOND - 60, user: { name: 'al' } }
    const rows = rowsOf({ alg: 'RS256', typ: 'own+jwt' }, claims, rules)
    expect(rows.filter(({ ok }) => ok === false)).toEqual([])
    expect(rows).toMatchObject([
      { claim: 'alg', wants: 'ES256 or RS256' },
      { claim: 'typ', wants: 'own+jwt or JWT' },
      { claim: 'kid', says: 'none' },
      { claim: 'iss', wants: 'any' },
      { claim: 'aud', wants: 'a or b or c or 2 others' },
      { claim: 'exp' },
      { claim: 'nbf', says: 'none' },
      { claim: 'cnf' },
      { claim: 'user.name', says: 'al' },
    ])
    expect(rowsOf({ alg: 'RS256' }, claims, rules)).toContainEqual({
      claim: 'typ',
      says: 'none',
      wants: 'own+jwt or JWT',
      ok: false,
    })
  })

  it.each([
    ['unknown_key', false, ''],
    ['signature', false, ''],
    ['expired', true, ''],
    ['malformed', undefined, ' (not checked)'],
    ['algorithm', undefined, ' (not checked)'],
    ['type', undefined, ' (not checked)'],
    [undefined, undefined, ' (not checked)'],
  ] as const)('say of the key, if the token is denied with %s: %s', (detail, ok, note) => {
    const rows = compareClaims(tokenOf({ kid: 'k' }, {}), RULES, detail) ?? []
    const wants = `the key that signed it${note}`
    expect(rows[2]).toEqual({ claim: 'kid', says: 'k', wants, ...(ok === undefined ? {} : { ok }) })
  })

  it('are nothing for another text', () => {
    expect(compareClaims('opaque', RULES, 'allow')).toBeUndefined()
    expect(compareClaims(`${encode({})}.x.y`, RULES, 'allow')).toBeUndefined()
    expect(compareClaims(`x.${encode({})}.y`, RULES, 'allow')).toBeUndefined()
  })
})

describe('the answer of a service', () => {
  const call = { method: 'GET', url: 'http://a.example/?q=s3cret', startedAt: 0 }
  const said = (body: unknown) => describeCall({ ...call, text: JSON.stringify(body) }).said

  it('has what is known of the call alone', () => {
    expect(describeCall({ ...call, text: '' })).toEqual({
      method: 'GET',
      url: 'http://a.example/?***',
      said: {},
    })
    expect(
      describeCall({ ...call, status: 200, cause: 'X', durationMs: 1.6, text: '{' }),
    ).toMatchObject({ status: 200, cause: 'X', durationMs: 2, said: {} })
  })

  it.each([
    [[{ login: 'a' }, {}], { organizations: 'a, undefined' }],
    [
      { exp: NOW / SECOND + 1, iss: 'me' },
      { iss: 'me', exp: '2026-03-01 12:00:01 +00:00 (in 1 second)' },
    ],
    [{ exp: 'soon' }, { exp: 'soon' }],
    [{ user: { login: 'a', x: 1 }, login: { b: 1 } }, { 'user.login': 'a' }],
    [
      { attributes: { roles: ['dev'] }, principal: 'al', other: 1 },
      { principal: 'al', attributes: '{"roles":["dev"]}' },
    ],
    [
      { status: { authenticated: false, user: { groups: ['g'] } } },
      { 'status.authenticated': 'false', 'status.user.groups': 'g' },
    ],
    [{ keys: [] }, { keys: 'an empty list' }],
    [
      { keys: [{ alg: 'RS256', kid: 'a' }, { kty: 'EC' }, { kid: 'a'.repeat(17) }, {}, {}] },
      { keys: `RS256 a, EC none, none ${'a'.repeat(16)}…, 2 more` },
    ],
  ])('%j is told as %j', (body, told) => {
    expect(said(body)).toEqual(told)
  })
})
