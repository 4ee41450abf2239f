import { describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError, createAuthenticator, memoryCache } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { firstOf, githubToken, introspection, kubernetesToken } from '../../src/verifiers.ts'
import { AUDIENCE, goodClaims, ISSUER, keyOf, sign, startIssuer } from '../support/issuer.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { PERSONAL, startGithub, USER } from './github/github-service.ts'
import { usePassingTime } from '../support/passing-time.ts'
import { get } from '../support/requests.ts'
import { TOKEN } from '../support/token.ts'
import { startService } from '../support/verifier-service.ts'
import type { AuthEvent, Verifier } from '../../src/index.ts'

/** What the operator reads on the console, and as `cause` of the event, when a verifier gives no verdict. */

/** The lines on the console of a guard without an observer. Ports are written as PORT. */
async function linesOf(verifier: Verifier, token = TOKEN) {
  const lines: string[] = []
  const spy = vi.spyOn(console, 'error').mockImplementation((line) => void lines.push(String(line)))
  await createAuthenticator({ verifier, retry: false })(get('/', token))
  spy.mockRestore()
  return lines.map((line) => line.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT'))
}

const rejected = (why: string): string[] => [`with-auth: requests are rejected: ${why}`]
const HTML = { text: '<!doctype html>', headers: { 'content-type': 'text/html; charset=utf-8' } }

/** A token that needs the keys. */
async function tokenOf(issuer: string): Promise<string> {
  return sign(await keyOf('ES256', 'a'), goodClaims({ iss: issuer }))
}

describe('jwt with a token whose signature is good', () => {
  const DENIED = 'A token whose signature is good was denied: '
  const MINE = `"audience" is "${AUDIENCE}"`
  const pass = usePassingTime()

  it.each<[object, string]>([
    [{ aud: 'account' }, `its "aud" is "account", ${MINE}`],
    [{ aud: ['account', 'web'] }, `its "aud" is "account" or "web", ${MINE}`],
    [{ aud: ['a', 'b', 'c', 'd', 'e'] }, `its "aud" is "a" or "b" or "c" or 2 more, ${MINE}`],
    [{ aud: [] }, `its "aud" is an empty list, ${MINE}`],
    [{ aud: undefined }, `its "aud" is missing, ${MINE}`],
    [{ iss: 'https://a' }, `its "iss" is "https://a", "issuer" is "${ISSUER}"`],
    [{ iss: undefined }, `its "iss" is missing, "issuer" is "${ISSUER}"`],
  ])('and %j says what it names', async (claims, why) => {
    const key = await keyOf('ES256', 'a')
    const { options } = await startIssuer(key)
    const token = await sign(key, goodClaims(claims))
    expect(await linesOf(jwt(options), token)).toEqual([`with-auth: ${DENIED}${why}`])
    const { events, ask, warnings } = guardWith(jwt(options))
    await ask(token)
    expect(warnings()).toEqual([DENIED + why])
    expect(events.at(-1)).toMatchObject({ reason: 'denied', cause: why })
  })

  it('warns once a minute, whatever tokens come, and of no token that anybody can make', async () => {
    const key = await keyOf('ES256', 'a')
    const forged = await keyOf('ES256', 'a', 'forged')
    const { options } = await startIssuer(key)
    const { ask, warnings } = guardWith(jwt(options))
    const send = async (aud: string, by = key): Promise<void> =>
      void (await ask(await sign(by, goodClaims({ aud }))))
    await send('forged', forged)
    expect(warnings()).toEqual([])
    for (const aud of ['a', 'b', 'c']) await send(aud)
    const ofA = `${DENIED}its "aud" is "a", ${MINE}`
    expect(warnings()).toEqual([ofA])
    pass(60_000)
    await send('b')
    const ofB = `${DENIED}its "aud" is "b", ${MINE}`
    expect(warnings()).toEqual([ofA, ofB])
    pass(60_000)
    await send('b')
    expect(warnings()).toEqual([ofA, ofB, ofB])
  })
})

describe('jwt with a key set', () => {
  const key = { kty: 'RSA', n: 'AQAB', e: 'AQAB' }

  it.each([
    [{ json: { keys: [] } }, 'has an empty list "keys"'],
    [{ json: { jwks: [] } }, 'has no list "keys"'],
    [{ json: { keys: Array.from({ length: 101 }, () => key) } }, 'has more than 100 keys'],
    [
      { json: { keys: Array.from({ length: 100 }, () => key) } },
      'has no public key for signatures, or only RSA keys below 2048 bits',
    ],
  ])('says that %j %s', async (said, fault) => {
    const { port } = await startService(() => said)
    const options = { issuer: 'i', audience: AUDIENCE, jwksUri: `http://127.0.0.1:${port}/?k=sk` }
    const lines = await linesOf(jwt(options), await tokenOf('i'))
    expect(lines).toEqual(rejected(`the key set of 127.0.0.1:PORT ${fault}`))
  })

  it('says which status came, and what to check', async () => {
    const { port } = await startService(() => ({ status: 404 }))
    const options = { issuer: 'i', audience: AUDIENCE, jwksUri: `http://127.0.0.1:${port}/` }
    expect(await linesOf(jwt(options), await tokenOf('i'))).toEqual([
      'with-auth: 127.0.0.1:PORT answered 404: check "jwksUri"',
      ...rejected('127.0.0.1:PORT answered 404'),
    ])
  })

  it('says that the function `keys` failed', async () => {
    const explain = async (keys: () => Promise<object>): Promise<string[]> =>
      linesOf(jwt({ issuer: 'i', audience: AUDIENCE, keys }), await tokenOf('i'))
    const broken = (): never => {
      throw new RangeError('sk-secret')
    }
    expect(await explain(broken)).toEqual(rejected('"keys" threw RangeError'))
    expect(await explain(async () => ({}))).toEqual(
      rejected('what "keys" returned has no list "keys"'),
    )
  })
})

it.each([
  [
    { json: { active: 'true' } },
    'the introspection endpoint sent no "active" that is true or false',
  ],
  [
    { json: { active: true, exp: 'x' } },
    'the introspection endpoint sent an "exp" that is no number',
  ],
  [HTML, '127.0.0.1:PORT answered 200 with text/html in place of JSON'],
  [{ json: 'x'.repeat(65_536) }, '127.0.0.1:PORT answered 200 with a body that is too long'],
])('introspection says why it gives no verdict (%#)', async (said, why) => {
  const { url } = await startService(() => said)
  expect(await linesOf(introspection({ url, client: 'none' }))).toEqual(rejected(why))
})

const APP = { clientId: 'Iv1.0123456789abcdef', clientSecret: 'secret-of-the-app' }

it.each([
  [{ json: [] }, 'GitHub described no user'],
  [{ json: { id: 1 } }, 'GitHub described a user without "login"'],
  [HTML, '127.0.0.1:PORT answered 200 with text/html in place of JSON'],
])('githubToken says why it gives no verdict (%#)', async (said, why) => {
  const { baseUrl } = await startGithub(said)
  expect(await linesOf(githubToken({ allow: 'personal', baseUrl }), PERSONAL)).toEqual([
    expect.stringContaining('"allow" is "personal"'),
    ...rejected(why),
  ])
})

it('githubToken says that GitHub answered about another app', async () => {
  const { baseUrl } = await startGithub({ json: { app: { client_id: 'other' }, user: USER } })
  const lines = await linesOf(githubToken({ allow: APP, baseUrl }), `gho_${'a1B2'.repeat(9)}`)
  const why = `GitHub answered about the app "other", "clientId" is "${APP.clientId}"`
  expect(lines).toEqual(rejected(why))
})

it.each([
  [{ json: {} }, 'the API server of Kubernetes sent a review without a "status"'],
  [
    { json: { status: { userInfo: {} } } },
    'the API server of Kubernetes sent a review without a "username"',
  ],
  [HTML, '127.0.0.1:PORT answered 201 with text/html in place of JSON'],
])('kubernetesToken says why it gives no verdict (%#)', async (said, why) => {
  const { port } = await startService(() => ({ status: 201, ...said }))
  const verifier = kubernetesToken({ review: 'self', apiServerUrl: `http://127.0.0.1:${port}` })
  const lines = await linesOf(verifier)
  expect(lines.slice(1)).toEqual(rejected(why))
})

it('kubernetesToken says that the API server does not take the token of this server', async () => {
  const { port } = await startService(() => ({ status: 401 }))
  const apiServerUrl = `http://127.0.0.1:${port}`
  const lines = await linesOf(kubernetesToken({ audiences: 'a', token: () => 'own', apiServerUrl }))
  const why = '127.0.0.1:PORT rejects the token of this server with 401'
  expect(lines.slice(1)).toEqual(rejected(why))
})

it.each<[() => string, string]>([
  [() => '', '"token" gave no token of this server (NO_TOKEN)'],
  [
    () => {
      throw new RangeError('sk-secret')
    },
    '"token" failed with RangeError',
  ],
])('kubernetesToken says that it has no token of its own (%#)', async (token, why) => {
  const lines = await linesOf(kubernetesToken({ audiences: 'a', token }))
  expect(lines.slice(1)).toEqual(rejected(why))
})

it('a verifier of your own may explain itself, and its token is not shown', async () => {
  const explain = (explanation?: string): Promise<string[]> =>
    linesOf(() => {
      throw new AuthUnavailableError('invalid_response', { explanation })
    })
  expect(await explain('the directory sent half an answer')).toEqual(
    rejected('the directory sent half an answer'),
  )
  const usual = [
    'with-auth: the service behind "verifier" gave an answer that cannot be used: the request was rejected',
  ]
  expect(await explain(`about ${TOKEN}`)).toEqual(usual)
  expect(await explain()).toEqual(usual)
})

describe('the event', () => {
  it('has the explanation as `cause`', async () => {
    const { url } = await startService(() => HTML)
    const { ask } = guardWith(introspection({ url, client: 'none' }))
    expect(await ask()).toMatchObject({
      reason: 'invalid_response',
      cause: expect.stringMatching(
        /^127\.0\.0\.1:\d+ answered 200 with text\/html in place of JSON$/,
      ),
    })
  })

  it('of keys that cannot be fetched is as short and in one line, also from a function', async () => {
    const explanation = `no\n${'x'.repeat(70_000)}`
    const keys = (): never => {
      throw new AuthUnavailableError('service_error', { explanation })
    }
    const causes: unknown[] = []
    const onEvent = (event: AuthEvent): void => void causes.push(Reflect.get(event, 'cause'))
    const verifier = jwt({ issuer: 'i', audience: AUDIENCE, keys })
    await createAuthenticator({ verifier, onEvent })(get('/', await tokenOf('i')))
    const shown = `no\\u000a${'x'.repeat(253)}`
    expect(causes).toEqual([shown, shown])
  })

  it.each([
    [{ requiredClaims: ['email'] }, {}, 'the claim "email" is missing'],
    [{ principal: 'user.name' }, {}, 'the claim "user.name" is missing'],
    [{}, { sub: 7 }, 'the claim "sub" is not a text'],
    [{}, { exp: undefined }, 'the claim "exp" is missing'],
    [{ maxTokenAgeSeconds: 60 }, { iat: undefined }, 'the claim "iat" is missing'],
  ])(
    'of `missing_claim` names the claim, also from the cache (%#)',
    async (options, claims, cause) => {
      const key = await keyOf('ES256', 'a')
      const verifier = jwt({
        issuer: 'i',
        audience: AUDIENCE,
        keys: { keys: [key.jwk] },
        ...options,
      })
      const { ask } = guardWith(verifier, { cache: memoryCache() })
      const token = await sign(key, goodClaims({ iss: 'i', ...claims }))
      for (const cache of ['miss', 'hit']) {
        expect(await ask(token)).toMatchObject({ detail: 'missing_claim', cause, cache })
      }
    },
  )

  it('of `missing_claim` shows no token, and a cause must be a text', async () => {
    const of = (cause: unknown): Verifier =>
      (() => ({ outcome: 'deny', detail: 'missing_claim', cause })) as Verifier
    expect(await guardWith(of(`not in ${TOKEN}`)).ask()).not.toHaveProperty('cause')
    expect(await guardWith(of(7)).ask()).toMatchObject({ reason: 'internal_error' })
    expect((await guardWith(of('x'.repeat(300))).ask()).cause).toHaveLength(256)
    const all = firstOf([() => ({ outcome: 'deny' }), of('no email')], { fallThrough: true })
    expect(await guardWith(all).ask()).toMatchObject({ detail: 'missing_claim', cause: 'no email' })
  })
})
