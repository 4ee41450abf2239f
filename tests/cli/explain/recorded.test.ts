import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { pageNamed } from '../../documentation/pages.ts'
import { at, readRecording } from '../../recorded/recording.ts'
import { startRecordedService } from '../../recorded/service.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { createExplain } from '../support/explained.ts'
import type { Keycloak, Kubernetes, Others } from '../../recorded/recordings.ts'

/** What `with-auth explain` says about tokens of real servers, with their recorded answers. */

const inFolder = setupFolder()
const { run, explain } = createExplain(inFolder)

const keycloak = readRecording<Keycloak>('keycloak')
const hydra = readRecording<Others>('hydra-zitadel-oauth2-proxy')
const kubernetes = readRecording<Kubernetes>('kubernetes')

async function withService<Result>(
  time: number,
  answerTo: Parameters<typeof startRecordedService>[0],
  work: (url: string) => Promise<Result>,
): Promise<Result> {
  const service = await startRecordedService(answerTo)
  try {
    return await at(time, () => work(`http://127.0.0.1:${service.port}`))
  } finally {
    await service.stop()
  }
}

const jwtOf = (url: string, issuer: string, audience = 'my-api') => `provider_config:
  type: oauth2_token
  issuer: ${issuer}
  audience: ${audience}
  jwks: { uri: "${url}/certs" }
context: { headers: [] }
cache: { allow_ttl_ms: 20000 }`

function ofKeycloak(name: string, issuer = keycloak.issuer) {
  const answer = { body: JSON.stringify(keycloak.keys) }
  return withService(
    keycloak.recordedAt,
    () => answer,
    (url) => explain(jwtOf(url, issuer), keycloak.tokens[name] ?? ''),
  )
}

const MAPPER =
  '"account": the client lacks an audience mapper; missing: a lightweight token, which needs "introspection"'

describe('a token of Keycloak, checked by its keys', () => {
  it.each([
    ['account', 'audience', 'aud', 'account', 'my-api', `With Keycloak: ${MAPPER}`],
    ['light', 'audience', 'aud', 'none', 'my-api', `With Keycloak: ${MAPPER}`],
    [
      'id',
      'type',
      'typ (claim)',
      'ID',
      'that of an access token',
      'With Keycloak: an ID token ("typ": "ID")',
    ],
    [
      'HS512',
      'algorithm',
      'alg',
      'HS512',
      'RS256 or RS384 or RS512 or 8 others',
      'With Keycloak: a refresh token ("HS512"), or "Access token signature algorithm" of the client',
    ],
    [
      'other realm',
      'unknown_key',
      'kid',
      'KdzrmooQFJygIRRY5FGZOVNozoYyBHNKEEJbZDH0zNc',
      'the key that signed it',
      'With Keycloak: a key of another realm, or of the curve Ed448',
    ],
  ])(
    'that is rejected, "%s": %s, with the claim, and where to change it',
    async (name, detail, claim, says, wants, hint) => {
      const { outcome, exit, providers, change, ...rest } = await ofKeycloak(name)
      expect({ outcome, exit, detail: rest.detail }).toEqual({
        outcome: 'rejected',
        exit: 1,
        detail,
      })
      expect(providers[0]?.claims).toContainEqual({ claim, says, wants, ok: false })
      expect(change.at(-1)).toBe(hint)
      expect(rest.response).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="api", error="invalid_token"' },
      })
    },
  )

  it('says which issuer the config wants, by one character', async () => {
    const { detail, why, change } = await ofKeycloak('password', `${keycloak.issuer}/`)
    expect(detail).toBe('issuer')
    expect(why).toBe(
      `Its "iss" is not the configured issuer. Its "iss" is "${keycloak.issuer}", "issuer" is "${keycloak.issuer}/".`,
    )
    expect(change[0]).toBe(
      'Set "issuer" to the text of "iss": slash, scheme, host and port count (run.yaml:5).',
    )
  })

  it('says who calls, and for how long the decision is cached', async () => {
    const { exit, caller, cached, providers } = await ofKeycloak('password')
    expect({ exit, caller }).toMatchObject({
      exit: 0,
      caller: { clientId: 'web', scopes: ['openid', 'profile', 'email'] },
    })
    expect(cached?.forMs).toBe(20_000)
    expect(providers[0]?.claims?.filter(({ ok }) => ok === false)).toEqual([])
    expect(providers[0]?.asked).toMatchObject([{ method: 'GET', status: 200 }])
  })

  it('has a table whose claims agree with the decision, for each recorded token', async () => {
    const cells: Readonly<Record<string, readonly string[]>> = {
      audience: ['aud'],
      type: ['typ', 'typ (claim)'],
      algorithm: ['alg'],
      unknown_key: ['kid'],
      bound: ['cnf'],
      missing_claim: ['sub'],
    }
    const wrong: string[] = []
    for (const name of Object.keys(keycloak.tokens)) {
      const { outcome, detail = '', providers } = await ofKeycloak(name)
      const bad = providers[0]?.claims?.filter(({ ok }) => ok === false) ?? []
      const isAgreed =
        outcome === 'allowed'
          ? bad.length === 0
          : (cells[detail] ?? []).some((cell) => bad.some(({ claim }) => claim === cell))
      if (!isAgreed) wrong.push(`${name}: ${detail}`)
    }
    // It is too long to be looked at.
    expect(wrong).toEqual(['large: too_long'])
  })
})

describe('a token of Keycloak, by its introspection endpoint', () => {
  const introspectionOf = (url: string): string => `provider_config:
  type: oauth2_token
  audience: my-api
  introspection:
    url: ${url}/realms/acme/introspect
    client_id: my-api
    client_secret: s3cret-of-the-client`

  const ask = (name: string) =>
    withService(
      keycloak.recordedAt,
      () => keycloak.asked[name] ?? {},
      (url) => explain(introspectionOf(url), keycloak.tokens['password'] ?? ''),
    )

  it('says that the endpoint answered "active": false, and why that may be', async () => {
    const { detail, providers, change } = await ask('elsewhere password')
    expect(detail).toBe('inactive')
    expect(providers[0]).toMatchObject({
      result: 'denied',
      asked: [{ method: 'POST', status: 200, said: { active: 'false' } }],
    })
    expect(change).toEqual([
      'Nothing: the client gets a new token. If it is so for every token, check the client that asks (run.yaml:7).',
      'With Keycloak: also for a client that is not in "aud", and at another host name',
    ])
  })

  it('says that the client was not accepted, and exits with 3', async () => {
    const { exit, outcome, change, providers } = await ask('wrong secret password')
    expect({ exit, outcome }).toEqual({ exit: 3, outcome: 'no_decision' })
    expect(change).toEqual([
      'The introspection endpoint answered 401: check "server.auth.provider_config.introspection"',
    ])
    expect(providers[0]?.asked[0]?.said).toEqual({
      error: 'invalid_client',
      error_description: '"Client authentication failed."',
    })
  })
})

describe('a token of Hydra', () => {
  it.each([
    ['user without audience', 'audience', 'an empty list'],
    ['id', 'audience', hydra.hydra.jwt.issuer],
  ])('"%s" is rejected: %s', async (name, detail) => {
    const { tokens, issuer, documents } = hydra.hydra.jwt
    const keys = documents['/.well-known/jwks.json']
    const found = await withService(
      hydra.at + 10_000,
      () => ({ body: keys?.body ?? '' }),
      (url) => explain(jwtOf(url, issuer, 'https://api.example.com'), tokens[name] ?? ''),
    )
    expect(found.detail).toBe(detail)
    expect(found.change).toContain(
      'With Hydra: "[]": the client asked for no "audience", or the consent app did not grant it',
    )
  })
})

describe('a token of Kubernetes', () => {
  const fileOf = (url: string): string => `provider_config:
  type: kubernetes
  api_server_url: ${url}
  reviewer_token_file: ${inFolder('reviewer')}
  audiences: my-api`

  const ask = (name: string) => {
    const { token = '', tapes } = kubernetes.cases.find((one) => one.name === name) ?? {}
    writeFileSync(inFolder('reviewer'), kubernetes.reviewer)
    return withService(
      kubernetes.recordedAt,
      () => tapes?.[0].answer ?? {},
      (url) => explain(fileOf(url), token),
    )
  }

  const OTHER = String.raw`token audiences [\"other-api\"] is invalid for the target audiences [\"my-api\"]`

  it.each([
    [
      'a token for another API',
      'audience',
      OTHER,
      [
        'Let the issuer put your API into "aud", or set "audiences" to what is there (run.yaml:7).',
        `Kubernetes: the API server's own: "kubectl create token --audience", or a projected volume`,
      ],
    ],
    [
      'ended 90 seconds ago',
      'expired',
      'service account token has expired',
      ['Nothing: the client gets a new token.'],
    ],
    [
      'a token of a deleted pod',
      'unknown_token',
      'service account token has been invalidated',
      [
        'Let the client send a token of this service.',
        'Kubernetes: also for a pod or an account that is gone',
      ],
    ],
  ])('%s: %s, the error of the review, and the change', async (name, detail, error, change) => {
    const { providers, ...rest } = await ask(name)
    expect(rest).toMatchObject({ detail, change })
    expect(providers[0]?.asked[0]?.said['status.error']).toBe(`"[invalid bearer token, ${error}]"`)
  })
})

it('docs/observability.md shows what the command prints', async () => {
  const answer = { body: JSON.stringify(keycloak.keys) }
  const { printed } = await withService(
    keycloak.recordedAt,
    () => answer,
    (url) => run(jwtOf(url, keycloak.issuer), keycloak.tokens['account'] ?? ''),
  )
  // Where the service is, and all times.
  const shown = (text: string): string =>
    text
      .replace(/GET \S+\/certs: 200 after \d+ ms/, 'GET')
      .replace(/[\d-]{10} [\d:]{8} \S+ \((?:in )?\w+(?: \w+)?\) */g, 'TIME')
  const [block = ''] = pageNamed('docs/observability.md')
    .fences.filter(({ language }) => language === 'text')
    .map(({ code }) => code)
  expect(shown(printed).trimEnd()).toBe(shown(block).trimEnd())
})
