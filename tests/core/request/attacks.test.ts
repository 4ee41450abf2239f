import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { HttpResponse } from 'msw'
import { describe, expect, it } from 'vitest'
import { getAuth, memoryCache, withAuth } from '../../../src/index.ts'
import { GUARDED, NEVER_ASKED, setupAttack, withHeader } from './attack.ts'
import { get, raw } from '../../support/requests.ts'
import { TOKEN } from '../../support/token.ts'

/** Attacks through the header, the path and the query. The endpoint would allow each of them. */

const { attack, asked, answer } = setupAttack()

it('the endpoint is asked about a token with a broken escape as it is (Auth.js GHSA-xmf8-cvqr-rfgj)', async () => {
  answer(() => new Response(null, { status: 401 }))
  expect(await attack(withHeader('Bearer %%'))).toMatchObject({ status: 401, handled: 0 })
  expect(asked).toMatchObject([{ body: { api_key: '%%' } }])
})

describe('the endpoint is not asked about', () => {
  it.each([
    ['two tokens, the valid one first (Envoy CVE-2021-32777)', `Bearer ${TOKEN}, Bearer evil`],
    ['two tokens, the valid one last (Envoy CVE-2021-32777)', `Bearer evil, Bearer ${TOKEN}`],
    ['a full-width scheme (Caddy CVE-2026-45135)', `ＢＥＡＲＥＲ ${TOKEN}`],
    ['an empty token', 'Bearer'],
    ...['Basic', 'Token', 'JWT', 'DPoP', 'Digest', 'Bearers', 'Bearer-'].map((scheme) => [
      `the scheme ${scheme} (Hono CVE-2026-47673)`,
      `${scheme} ${TOKEN}`,
    ]),
  ])('%s', async (_title, authorization) => {
    expect(await attack(withHeader(authorization ?? ''))).toMatchObject(NEVER_ASKED)
  })

  it.each<[string, Record<string, string>]>([
    ['a token in Proxy-Authorization', { 'proxy-authorization': `Bearer ${TOKEN}` }],
    [
      'X-Middleware-Subrequest (Next.js CVE-2025-29927)',
      { 'x-middleware-subrequest': 'middleware' },
    ],
    ['X-Forwarded-Uri (oauth2-proxy CVE-2026-40575)', { 'x-forwarded-uri': '/healthz' }],
    [
      'a health check by User-Agent (oauth2-proxy CVE-2026-34457)',
      { 'user-agent': 'GoogleHC/1.0' },
    ],
    ['X-Forwarded-Prefix (Traefik CVE-2026-35051)', { 'x-forwarded-prefix': '/public' }],
    ['X-Forwarded-Proto (Ory CVE-2026-33495)', { 'x-forwarded-proto': 'https' }],
    [
      'X-Forwarded fields of a local address (oauth2-proxy/oauth2-proxy#3506)',
      { 'x-forwarded-uri': '/healthz', 'x-forwarded-for': '127.0.0.1' },
    ],
    ['X-Original-Uri', { 'x-original-uri': '/healthz', 'x-rewrite-url': '/healthz' }],
  ])('a request without a token: %s', async (_title, headers) => {
    expect(await attack(raw('http://h/admin', headers))).toMatchObject(NEVER_ASKED)
  })

  it('a token in the query (RFC 6750 §2.3)', async () => {
    expect(await attack(raw(`http://h/admin?access_token=${TOKEN}`))).toMatchObject(NEVER_ASKED)
  })
})

describe('a forged JWT is a token like any other: only the endpoint decides', () => {
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
    ['the public key as the secret (Hono CVE-2026-22818)', signedWith(pem)],
    ['a space before the public key (fast-jwt CVE-2026-34950)', signedWith(` ${pem}`)],
    ['another signature', `${genuine.slice(0, -3)}AAA`],
  ])('%s', async (_title, forged) => {
    const seen: unknown[] = []
    answer(
      () => new HttpResponse(null, { status: asked.at(-1)?.body.api_key === genuine ? 200 : 401 }),
    )
    const guarded = withAuth(
      (request: Request) => {
        seen.push(getAuth(request))
        return new Response('secret')
      },
      { ...GUARDED, cache: memoryCache(), context: { headers: [] } },
    )
    expect((await guarded(get('/a', genuine))).status).toBe(200)
    expect((await guarded(get('/a', forged))).status).toBe(401)
    expect(asked.map(({ body }) => body.api_key)).toEqual([genuine, forged])
    // The claims of the genuine token are not read either.
    expect(seen).toEqual([{ attributes: {} }])
  })
})

describe('a path', () => {
  it.each([
    ['a dot segment (Heimdall GHSA-3q34-rx83-r6mq)', 'http://h/public/../admin'],
    ['a backslash (Caddy CVE-2026-52844)', 'http://h/public/..\\admin'],
    ['a fragment after a public path (Traefik CVE-2023-47106)', 'http://h/public#/../admin'],
    ['a public path in a fragment (oauth2-proxy CVE-2026-41059)', 'http://h/admin#/public/'],
    ['an encoded slash (fast-uri CVE-2026-6321)', 'http://h/public/..%2fadmin'],
    ['encoded dots and slash (Ory CVE-2026-33494)', 'http://h/public/%2e%2e%2fadmin'],
    ['a backslash in Host', 'http://h.test\\public/admin'],
    ['a path and a query in Host (honojs/node-server#163)', 'http://h?x=/healthz'],
    ['userinfo', 'http://u:p@h/healthz'],
    ['no Host', 'http:///healthz'],
  ])('is rejected as malformed: %s', async (_title, url) => {
    const malformed = { status: 400, code: 'malformed_request', asked: [], handled: 0 }
    expect(await attack(raw(url))).toMatchObject(malformed)
  })

  it.each([
    ['dots that are encoded twice', '/public/%252e%252e/admin'],
    ['overlong UTF-8', '/public/%C0%AE%C0%AE%C0%AFadmin%2f'],
    ['an empty segment before it (rou3 CVE-2025-71399)', '//public/x'],
    ['an empty segment in it (middie CVE-2026-2880)', '/public//x'],
    ['another case (Authelia CVE-2026-48794)', '/PUBLIC/x'],
    ['another case, percent-encoded (Caddy CVE-2026-27587)', '/%48ealthz'],
    ['a public path in the query (oauth2-proxy CVE-2025-54576)', '/admin?x=/public/'],
    ['a suffix that Next.js strips (Next.js CVE-2026-44575)', '/admin.rsc'],
  ])('is not public: %s', async (_title, path) => {
    expect(await attack(raw(`http://h${path}`))).toMatchObject({
      ...NEVER_ASKED,
      code: 'missing_credentials',
    })
  })

  it.each([
    ['a path in Host (honojs/node-server#163)', 'h/public'],
    ['a path and a query in Host, which Deno and workerd put into the URL', 'h/public/x?'],
  ])('is not public: %s', async (_title, host) => {
    expect(await attack(raw('http://h/public/x', { host }))).toMatchObject(NEVER_ASKED)
    const usual = await attack(raw('http://h/public/x', { host: 'h.test:80' }))
    expect(usual).toMatchObject({ status: 200, handled: 1 })
  })

  it.each(['POST', 'OPTIONS', 'TRACE', 'get'])(
    'is not public for the method %s',
    async (method) => {
      const headers = { 'x-http-method-override': 'GET' }
      expect(await attack(raw('http://h/healthz', headers, method))).toMatchObject(NEVER_ASKED)
    },
  )

  it.each([
    ['the first letter (middie CVE-2026-22031)', '/%61dmin'],
    ['several letters (fastify/fastify-express#174)', '/%61%64m%69n'],
    ['upper-case digits (withastro/astro#14771)', '/admi%6E'],
  ])('with encoded letters is told decoded, as routers read it: %s', async (_title, path) => {
    await attack(withHeader(`Bearer ${TOKEN}`, `http://h${path}`))
    expect(asked[0]?.body.request['path']).toBe('/admin')
  })
})

describe('headers and query parameters', () => {
  const send = (query: string, headers: object = {}) =>
    attack(raw(`http://h/admin?${query}`, { ...headers, authorization: `Bearer ${TOKEN}` }))

  it('with names of Object.prototype are told under these names', async () => {
    const headers = JSON.parse('{"__proto__": "a", "constructor": "b"}') as object
    await send('__proto__=x&constructor=y&__proto__[a]=1&__proto__=w', headers)
    const told = asked[0]?.body.request
    expect(Object.entries(told?.['headers'] ?? {})).toEqual(
      expect.arrayContaining([
        ['__proto__', 'a'],
        ['constructor', 'b'],
      ]),
    )
    expect(Object.entries(told?.['params'] ?? {})).toEqual([
      ['__proto__', ['x', 'w']],
      ['constructor', 'y'],
      ['__proto__[a]', '1'],
    ])
    expect(Reflect.get({}, 'a')).toBeUndefined()
  })

  it('with cookies and proxy credentials in them are told without these (Traefik CVE-2026-41181)', async () => {
    await send('', { cookie: 'session=secret', 'proxy-authorization': 'Basic secret' })
    expect(asked).toHaveLength(1)
    expect(asked[0]?.text).not.toContain('secret')
  })

  it('cannot name the caller (Clerk trusted the `auth` of a request)', async () => {
    const request = Object.assign(get('/admin', TOKEN), { auth: { principal: 'root' } })
    request.headers.set('x-user', 'root')
    await attack(request)
    expect(getAuth(request)).not.toHaveProperty('principal')
  })
})
