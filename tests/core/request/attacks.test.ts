import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { HttpResponse } from 'msw'
import { describe, expect, it } from 'vitest'
import { getAuth, memoryCache, withAuth } from '../../../src/index.ts'
import { GUARDED, NEVER_ASKED, setupAttack, withHeader } from './attack.ts'
import { get, raw } from '../../support/requests.ts'
import { TOKEN } from '../../support/token.ts'

/** Attacks through the header and the query. The endpoint would allow each of them. */

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
