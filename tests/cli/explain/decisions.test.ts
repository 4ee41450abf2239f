import { describe, expect, it } from 'vitest'
import { adviceOnCause } from '../../../src/cli/explain/change.ts'
import { pathOf } from '../../../src/cli/explain/providers.ts'
import { explainRules } from '../../../src/cli/explain/rules.ts'
import { inKeys, isUndecided } from '../../../src/cli/explain/why.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { accessTo } from '../../support/route-policy.ts'
import { createExplain } from '../support/explained.ts'
import type { RouteRule } from '../../../src/access.ts'

/** `with-auth explain` gives a reason and a change for every kind of answer and rule. */

const inFolder = setupFolder()
const { explain } = createExplain(inFolder)
const NO_PLACES = { of: () => undefined }

it.each([
  ['unreachable', 'ECONNREFUSED', /^No server listens on this host and port/],
  ['unreachable', 'NEVER_HEARD_OF', /^Is the service running/],
  ['unreachable', 'toString', /^Is the service running/],
  ['timeout', undefined, /^Find out why the service is slow/],
] as const)('the advice on %s by %s', (reason, cause, advice) => {
  expect(adviceOnCause(reason, cause)).toMatch(advice)
})

it.each([
  ['server.auth.providers[12]', ['providers', 12]],
  ['server.auth.provider_config', ['provider_config']],
  ['--keys', []],
  ['xserver.auth.a', []],
  ['server.auth.a.b', []],
])('the path of the options of %s', (key, path) => {
  expect(pathOf(key)).toEqual(path)
})

it.each([
  ['Set `allowTtlMs` to `0`.', 'Set "allow_ttl_ms" to "0".'],
  ['Name it by `proof.addresses`.', 'Name it by "trusted_proxy_cidrs".'],
  ['Send `X-aB`, `aB-c`, `aB9` or `Ab`.', 'Send "X-aB", "aB-c", "aB9" or "Ab".'],
  ['The member `"typ": "ID"`.', 'The member "typ": "ID".'],
])('an option has the name of the file: %s', (text, told) => {
  expect(inKeys(text)).toBe(told)
})

it.each([
  ['timeout', true],
  ['internal_error', true],
  ['not_configured', true],
  ['denied', false],
  ['malformed_request', false],
] as const)('%s says nothing about the caller: %s', (reason, isSo) => {
  expect(isUndecided(reason)).toBe(isSo)
})

describe('an auth endpoint that answers', () => {
  const askAfter = async (status: number, more = '', args: readonly string[] = []) => {
    const service = await startService(() => ({ status, json: {} }))
    return explain(`endpoint: http://127.0.0.1:${service.port}/a${more}`, 'some-token', args)
  }

  it.each([
    [300, 'The endpoint redirects, often from http to https: set the new URL (run.yaml:3).'],
    [400, 'The endpoint expects another body (run.yaml:3).'],
  ])('%i: what that says of its address', async (status, change) => {
    expect((await askAfter(status)).change).toEqual([change])
  })

  it('503: the log of the service, and its code alone', async () => {
    expect(await askAfter(503)).toMatchObject({
      code: 'service_error',
      why: 'The service answered 503.',
      change: ['Look at the log of the service (run.yaml:3).'],
    })
  })

  it('200: the token is good, and the decision would be cached as the file says', async () => {
    const found = await askAfter(200, '\ncache: { allow_ttl_ms: 2000 }\ncontext: { headers: [] }')
    expect(found).toMatchObject({
      exit: 0,
      code: 'allow',
      why: 'The token is good.',
      change: [],
      cached: { forMs: 2000 },
      providers: [{ key: 'server.auth', type: 'endpoint', place: 'run.yaml:2', result: 'allowed' }],
    })
    expect(found.response).toBeUndefined()
    expect((await askAfter(200)).cached).toEqual({ forMs: 0, why: 'there is no "cache"' })
  })

  it('404: nothing that would be cached', async () => {
    const found = await askAfter(404, '\ncache: {}\ncontext: { headers: [] }')
    expect(found.cached).toEqual({ forMs: 0, why: 'this status says nothing lasting' })
    expect(found.providers).toMatchObject([{ result: 'denied' }])
    expect('why' in (found.providers[0] ?? {})).toBe(false)
  })

  it('200 that may not be kept: why it is not cached', async () => {
    const headers = { 'cache-control': 'no-store' }
    const service = await startService(() => ({ headers, json: {} }))
    const file = `endpoint: http://127.0.0.1:${service.port}/a\ncache: {}\ncontext: { headers: [] }`
    const found = await explain(file, 'some-token')
    expect(found).toMatchObject({ exit: 0, cached: { forMs: 0, why: 'the answer forbids it' } })
  })

  it('200 without the caller that the file needs: the member that is missing', async () => {
    expect(await askAfter(200, '\nidentity: required')).toMatchObject({
      exit: 3,
      code: 'invalid_response',
      why: 'The service answered 200, and its answer has no "principal".',
      change: [
        'Let the service answer with a JSON object that has "principal", or leave out "identity" (run.yaml:4).',
      ],
    })
    expect((await askAfter(500, '\nidentity: required')).why).toBe('The service answered 500.')
  })

  it('200 that cannot be read, where no caller is needed: no word of a principal', async () => {
    const service = await startService(() => ({ text: 'a'.repeat(70_000) }))
    const file = `endpoint: http://127.0.0.1:${service.port}/a\ntenant_field: org`
    const { code, why } = await explain(file, 'some-token')
    expect(code).toBe('invalid_response')
    expect(why).not.toContain('principal')
  })

  it('200 in shadow mode: no warning, since the request passes anyhow', async () => {
    expect((await askAfter(200, '\nmode: shadow')).warnings).toEqual([])
  })
})

it('a request without a token: nothing was asked, and nothing is known', async () => {
  const found = await explain(
    'endpoint: http://127.0.0.1:65000/\ncache: {}\ncontext: { headers: [] }',
    '',
  )
  expect(found).toMatchObject({
    exit: 1,
    code: 'missing_credentials',
    why: 'The request has no token.',
    change: ['Let the client send its token where the message says.'],
    providers: [{ result: 'not asked', asked: [] }],
  })
  expect([found.cached, found.caller, found.rules]).toEqual([undefined, undefined, []])
  expect('why' in (found.providers[0] ?? {})).toBe(false)
})

it('a public path: nothing that was left out', async () => {
  const file =
    'endpoint: http://127.0.0.1:65000/\npublic: [/v1/models]\ncontext: { headers: [x-a] }'
  expect(await explain(file, '')).toMatchObject({ exit: 0, code: 'public', leftOut: [] })
})

it('a caller who is given is judged by the rules alone', async () => {
  const file =
    'endpoint: http://127.0.0.1:65000/\ncredentials: [{ header: x-api-key }]\ncache: {}\ncontext: { headers: [x-a] }'
  const found = await explain(file, '', ['--as', '{"principal":"al"}'])
  expect(found).toMatchObject({ exit: 0, caller: { principal: 'al' }, providers: [], leftOut: [] })
  expect(found.cached).toBeUndefined()
})

describe('the second of two services', () => {
  const fileOf = (port: number) => `providers:
  - { type: github_token, github_api_base_url: "http://127.0.0.1:${port}" }
  - { type: custom, endpoint: "http://127.0.0.1:${port}/a" }`

  it.each([
    [404, {}, 1, 'The endpoint has another path or port (run.yaml:5).'],
    [500, {}, 3, 'Look at the log of the service (run.yaml:5).'],
    [200, {}, 3, 'Let the service answer with a JSON object that has "principal" (run.yaml:5).'],
  ])('answers %i: its line', async (status, json, exit, change) => {
    const service = await startService(() => ({ status, json }))
    expect(await explain(fileOf(service.port), 'some-token')).toMatchObject({
      exit,
      change: [change],
    })
  })
})

describe('a token that an introspection endpoint calls inactive', () => {
  const HYDRA = 'With Hydra: also for an ID token'
  const KEYCLOAK = 'With Keycloak: also for a client that is not in "aud", and at another host name'
  const jwt = (claims: object) => {
    const parts = [{ alg: 'RS256' }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    return `${parts.join('.')}.c2ln`
  }
  it.each([
    ['of Hydra by its form', '/a', 'ory_at_abc', HYDRA],
    ['of Hydra by its form, for refreshing', '/a', 'ory_rt_abc', HYDRA],
    ['of a service that looks like Hydra', '/a', 'xory_at_abc', undefined],
    ['of a service that looks like Hydra', '/a', 'ory_xt_abc', undefined],
    ['of Hydra by the URL that was asked', '/admin/oauth2/introspect', 'abc', HYDRA],
    ['of Hydra by "ext"', '/a', jwt({ ext: {} }), HYDRA],
    ['of Hydra by "rat"', '/a', jwt({ rat: 1 }), HYDRA],
    ['with a text as "ext"', '/a', jwt({ ext: 'a' }), undefined],
    ['of Keycloak by the URL that was asked', '/realms/a', 'abc', KEYCLOAK],
    ['of Keycloak by its issuer', '/a', jwt({ iss: 'https://kc.example/realms/a' }), KEYCLOAK],
    ['of an unknown server', '/a', 'abc', undefined],
  ])('%s: %s', async (_what, path, token, hint) => {
    const service = await startService(() => ({ json: { active: false } }))
    const file = `provider_config: { type: oauth2_token, introspection: { url: "http://127.0.0.1:${service.port}${path}", client_id: a, client_secret: s3cret-of-a } }`
    const { detail, change, providers } = await explain(file, token)
    expect(detail).toBe('inactive')
    expect(change.slice(1)).toEqual(hint === undefined ? [] : [hint])
    expect('claims' in (providers[0] ?? {})).toBe(false)
  })
})

describe('the rules that a request met', () => {
  const trace = (rules: readonly RouteRule[] | undefined, attributes = {}) =>
    explainRules(rules, accessTo('/v1', attributes), NO_PLACES)

  it('are an empty list if there is no policy', () => {
    expect(trace(undefined)).toEqual([])
  })

  it('are told in words, with why each does not apply', () => {
    const rules: readonly RouteRule[] = [
      { forbid: { paths: ['/a', '/b'] } },
      { permit: { paths: '*', methods: ['PUT', 'POST'] } },
      { forbid: { paths: '*' }, unless: ['user with dev in teams', 'user with ops in  roles '] },
    ]
    expect(trace(rules, { teams: ['dev', 'x y'], roles: [] })).toEqual([
      {
        rule: 0,
        place: undefined,
        says: 'forbid /a, /b',
        decides: false,
        misfit: 'it is about other paths',
      },
      {
        rule: 1,
        place: undefined,
        says: 'permit PUT, POST *',
        decides: false,
        misfit: 'it is about other methods',
      },
      {
        rule: 2,
        place: undefined,
        says: 'forbid *, unless user with dev in teams or user with ops in  roles ',
        decides: false,
        misfit: 'the caller has teams: dev, "x y"; roles: none',
      },
    ])
    expect(trace([{ permit: { paths: '*' } }])).toEqual([
      { rule: 0, place: undefined, says: 'permit *', decides: true },
    ])
  })
})
