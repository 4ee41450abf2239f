import { describe, expect, it } from 'vitest'
import { githubToken } from '../../../src/verifiers.ts'
import { guardBy, organizationsOf, PERSONAL, startGithub, USER } from './github-service.ts'
import { ask as askAlone } from '../../support/issuer.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { words } from '../../support/words.ts'
import type { Said } from './github-service.ts'

const OAUTH = `gho_${'a1B2'.repeat(9)}`
const APP = { clientId: 'Iv1.0123456789abcdef', clientSecret: 'secret-of-the-app' }
const ATTRIBUTES = { organizations: 'teams' }

describe('a personal token', () => {
  it('names its user', async () => {
    const headers = { 'x-oauth-scopes': 'repo, read:org' }
    const github = await startGithub({ json: USER, headers })
    const { auth, ...event } = await guardBy(github).ask(PERSONAL)
    expect(event).toMatchObject({ outcome: 'allow', verifier: 'github', endpointStatus: 200 })
    expect(auth).toMatchObject({ principal: 'octocat', scopes: ['repo', 'read:org'] })
    expect({ ...auth?.attributes }).toEqual({})
    expect(github.calls[0]?.headers).not.toHaveProperty('content-type')
    expect(github.calls).toMatchObject([
      {
        method: 'GET',
        url: '/user',
        headers: {
          authorization: `Bearer ${PERSONAL}`,
          accept: 'application/vnd.github+json',
          'user-agent': 'with-auth',
          'x-github-api-version': '2022-11-28',
        },
      },
    ])
  })

  it('names its user by the id, which stays with the user, and gives it as a text', async () => {
    const given = { principal: 'id', attributes: { login: 'github_login', id: 'ids' } } as const
    const { auth } = await guardBy(await startGithub(), given).ask(PERSONAL)
    expect(auth?.principal).toBe('583231')
    expect({ ...auth?.attributes }).toEqual({ github_login: ['octocat'], ids: ['583231'] })
  })

  it('may have no scopes, which is known then', async () => {
    const github = await startGithub({ json: USER, headers: { 'x-oauth-scopes': '' } })
    expect((await guardBy(github).ask(PERSONAL)).auth?.scopes).toEqual([])
  })

  it.each([
    '2099-12-01 12:00:00 UTC',
    '2099-12-01 14:00:00 +0200',
    'Tue, 01 Dec 2099 12:00:00 UTC',
  ])('ends at %s', async (time) => {
    const headers = { 'github-authentication-token-expiration': time }
    const { auth } = await guardBy(await startGithub({ json: USER, headers })).ask(PERSONAL)
    expect(auth?.expiresAt).toBe(Date.parse('2099-12-01T12:00:00Z'))
  })

  it('is allowed at a GitHub Enterprise Server, whose URL has a path', async () => {
    const github = await startGithub(undefined, () => ({ json: organizationsOf(1) }))
    for (const path of ['/api/v3', '/api/v3/']) {
      const given = { baseUrl: `${github.baseUrl}${path}`, attributes: ATTRIBUTES }
      expect((await guardBy(github, given).ask(PERSONAL)).outcome).toBe('allow')
    }
    expect(new Set(github.paths())).toEqual(
      new Set(['/api/v3/user', '/api/v3/user/orgs?per_page=100&page=1']),
    )
  })
})

it.each([
  ['a personal token', 401, PERSONAL, 'denied'],
  ['a personal token', 429, PERSONAL, 'rate_limited'],
  ['the token of an app', 404, OAUTH, 'denied'],
  ['the token of an app', 422, OAUTH, 'denied'],
])('%s needs no more than the status %d', async (_what, status, token, reason) => {
  const { baseUrl, answerWith } = await startGithub()
  answerWith((_call, response) => void response.writeHead(status).write('{'))
  const allow = token === PERSONAL ? 'personal' : APP
  const { ask } = guardWith(githubToken({ allow, baseUrl }), { timeoutMs: 10_000 })
  const late = new Promise((resolve) => setTimeout(resolve, 3000, 'late'))
  expect(await Promise.race([ask(token), late])).toMatchObject({ reason })
})

describe('the token of an app', () => {
  const CHECKED = { app: { client_id: APP.clientId }, scopes: ['user'], user: USER }

  it('is checked with the secret of the app, and not used', async () => {
    const expiresAt = '2099-12-01T12:00:00Z'
    const scopes = ['user', 7]
    const github = await startGithub({ json: { ...CHECKED, scopes, expires_at: expiresAt } })
    const { auth } = await guardBy(github, { allow: APP }).ask(OAUTH)
    expect(auth).toMatchObject({
      principal: 'octocat',
      clientId: APP.clientId,
      scopes: ['user'],
      expiresAt: Date.parse(expiresAt),
    })
    const [{ method, url, headers, body } = {}] = github.calls
    expect({ method, url, body }).toEqual({
      method: 'POST',
      url: `/applications/${APP.clientId}/token`,
      body: JSON.stringify({ access_token: OAUTH }),
    })
    const basic = Buffer.from(`${APP.clientId}:${APP.clientSecret}`).toString('base64')
    expect(headers).toMatchObject({
      authorization: `Basic ${basic}`,
      'content-type': 'application/json',
    })
  })

  it('is asked for at a path that the id of the app cannot change', async () => {
    const github = await startGithub({ json: CHECKED })
    await guardBy(github, { allow: { ...APP, clientId: '../x?y' } }).ask(OAUTH)
    expect(github.paths()).toEqual(['/applications/..%2Fx%3Fy/token'])
  })

  it('may have neither scopes nor an end, and organizations are read with it', async () => {
    const said = { json: { ...CHECKED, scopes: null, expires_at: null } }
    const github = await startGithub(said, () => ({ json: organizationsOf(2) }))
    const { auth } = await guardBy(github, { allow: APP, attributes: ATTRIBUTES }).ask(OAUTH)
    expect(auth).not.toHaveProperty('scopes')
    expect(auth).not.toHaveProperty('expiresAt')
    expect(auth?.attributes['teams']).toEqual(['org-0', 'org-1'])
    expect(github.calls[1]?.headers.authorization).toBe(`Bearer ${OAUTH}`)
  })

  it.each([404, 422])(
    'is denied if GitHub answers %d: it is of no app, or of another',
    async (status) => {
      const decision = await guardBy(await startGithub({ status }), { allow: APP }).ask(OAUTH)
      expect(decision).toMatchObject({ reason: 'denied', detail: 'unknown_token' })
    },
  )

  it.each([401, 403])(
    'gets no decision if GitHub answers %d: the secret is wrong',
    async (status) => {
      const { ask, warnings } = guardBy(await startGithub({ status, json: {} }), { allow: APP })
      expect(await ask(OAUTH)).toMatchObject({ reason: 'service_error', endpointStatus: status })
      expect(warnings()).toEqual([
        expect.stringMatching(new RegExp(`^127.0.0.1:\\d+ answered ${status}: check "allow"$`)),
      ])
    },
  )

  it.each([
    { ...CHECKED, user: null },
    { app: CHECKED.app },
    { ...CHECKED, user: [] },
    { ...CHECKED, app: { client_id: 'Iv1.of-another-app' } },
    { ...CHECKED, app: undefined },
  ])('gets no decision for %j', async (json) => {
    const decision = await guardBy(await startGithub({ json }), { allow: APP }).ask(OAUTH)
    expect(decision.reason).toBe('invalid_response')
  })
})

describe('a token of another form', () => {
  const FORM = 'a1B2'.repeat(9)

  it.each([
    [
      'personal' as const,
      words(`ghs_${FORM} ghr_${FORM} ghx_${FORM} GHP_${FORM} ghp-${FORM} ghp_short ${FORM}
      ${'0123456789abcdef'.repeat(3).slice(0, 40)} github_pat-${FORM} sk-${FORM} eyJhbGciOiJub25lIn0.e30. xghp_${FORM}`),
    ],
    [APP, words(`ghp_${FORM} github_pat_${FORM} ghs_${FORM} ${FORM}`)],
  ])('is denied without a call: GitHub blocks who sends many (%j)', async (allow, tokens) => {
    const github = await startGithub()
    const { ask } = guardBy(github, { allow })
    const { accepts } = githubToken({ allow })
    for (const token of tokens) {
      expect(await ask(token)).toMatchObject({ reason: 'denied', detail: 'unknown_token' })
      expect(accepts?.(token)).toBe(false)
    }
    expect(github.calls).toEqual([])
  })

  it.each([
    [
      'personal' as const,
      words(`ghp_${FORM} gho_${FORM} ghu_${FORM} github_pat_11AAAAAAA0_${FORM}`),
    ],
    [APP, words(`gho_${FORM} ghu_${FORM}`)],
  ])('is told from its own (%j)', (allow, tokens) => {
    const { accepts } = githubToken({ allow })
    expect(tokens.map((token) => accepts?.(token))).toEqual(tokens.map(() => true))
  })
})

describe('an answer of /user', () => {
  const forbidden = (message: string): Said => ({ status: 403, json: { message } })
  const limited = (headers: Record<string, string>): Said => ({ status: 403, headers })

  it.each<[string, Said, string]>([
    ['401', { status: 401, json: { message: 'Bad credentials' } }, 'denied unknown_token'],
    ['a suspended user', forbidden('Sorry. Your account was suspended'), 'denied inactive'],
    ['200 of such a user', { json: { ...USER, suspended_at: '2026-01-01' } }, 'denied inactive'],
    ['403 without a body', { status: 403 }, 'service_error'],
    ['403 of a proxy', { status: 403, text: '<html>suspended' }, 'service_error'],
    ['403 for another cause', forbidden('Not accessible by integration'), 'service_error'],
    ['429', { status: 429 }, 'rate_limited'],
    ['403 with retry-after', limited({ 'retry-after': '30' }), 'rate_limited'],
    ['403 without a rest', limited({ 'x-ratelimit-remaining': '0' }), 'rate_limited'],
    ['wrong tokens', forbidden('Maximum number of login attempts exceeded.'), 'rate_limited'],
    ['the second limit', forbidden('You have exceeded a secondary rate limit.'), 'rate_limited'],
    ['the last one of an hour', { json: USER, headers: { 'x-ratelimit-remaining': '0' } }, ''],
    ['500', { status: 500 }, 'service_error'],
    ['301', { status: 301, headers: { location: 'http://127.0.0.1:1/' } }, 'service_error'],
    ['a list', { json: [] }, 'invalid_response'],
    ['HTML', { text: '<html>' }, 'invalid_response'],
    ['no login', { json: { id: 1 } }, 'invalid_response'],
    ['a number as its login', { json: { login: 7 } }, 'invalid_response'],
    ['an empty login', { json: { login: '' } }, 'invalid_response'],
  ])('with %s is %j: %s', async (_what, said, expected) => {
    const { ask, warnings } = guardBy(await startGithub(said))
    const decision = await ask(PERSONAL)
    const { reason, detail, endpointStatus } = decision
    expect([reason, detail].join(' ').trim()).toBe(expected)
    expect(endpointStatus).toBe(said?.status ?? 200)
    const isLasting = reason === 'service_error' && endpointStatus !== 500
    expect(warnings().filter((text) => text.includes('answered'))).toHaveLength(isLasting ? 1 : 0)
  })

  it.each([1.5, '583231', null, -0.1, Number.MAX_SAFE_INTEGER + 1])(
    'with the id %j has no principal',
    async (id) => {
      const github = await startGithub({ json: { ...USER, id } })
      const decision = await guardBy(github, { principal: 'id' }).ask(PERSONAL)
      expect(decision.reason).toBe('invalid_response')
    },
  )

  it('404 is about the URL, and not a denial', async () => {
    const { ask, warnings } = guardBy(await startGithub({ status: 404 }))
    for (const token of [PERSONAL, OAUTH]) expect((await ask(token)).reason).toBe('service_error')
    expect(warnings().slice(1)).toEqual([
      expect.stringMatching(/^127.0.0.1:\d+ answered 404: check "baseUrl"$/),
    ])
  })

  const RESET = Math.floor(Date.now() / 1000) + 3600
  it.each([
    ['a time', String(RESET), expect.closeTo(3_600_000, -5) as number],
    ['no time', undefined, undefined],
    ['a date', `${RESET} UTC`, undefined],
    ['another form', `at ${RESET}`, undefined],
  ])('says when to come again, by %s', async (_what, reset, retryAfterMs) => {
    const headers = { 'x-ratelimit-remaining': '0', ...(reset && { 'x-ratelimit-reset': reset }) }
    const { baseUrl } = await startGithub({ status: 403, headers })
    const asked = askAlone(githubToken({ allow: 'personal', baseUrl }), PERSONAL)
    await expect(asked).rejects.toMatchObject({ retryAfterMs })
  })
})

describe('the options', () => {
  it('are described without the secret, and told apart by an id', () => {
    const byApp = githubToken({ allow: APP })
    expect(byApp.describe?.()).toEqual({
      type: 'github_token',
      allow: { clientId: APP.clientId, clientSecret: '[redacted]' },
      baseUrl: 'https://api.github.com',
      principal: 'login',
      attributes: {},
      organizations: true,
      allowInsecureHttp: false,
    })
    expect(byApp.id).toMatch(/^\["github",/)
    expect(byApp.id).not.toContain(APP.clientSecret)
    expect(githubToken({ allow: APP, principal: 'id' }).id).not.toBe(byApp.id)
    const rotated = githubToken({ allow: { ...APP, clientSecret: 'another-secret' } })
    expect(rotated.id).not.toBe(byApp.id)
    expect(githubToken({ allow: APP }).id).toBe(byApp.id)
    const personal = { clientId: 'personal', clientSecret: APP.clientSecret }
    for (const allow of [APP, personal]) {
      expect(githubToken({ allow }).id).not.toBe(githubToken({ allow: 'personal' }).id)
    }
    expect(githubToken({ allow: APP, fetch: async () => new Response() }).id).toBeUndefined()
  })

  it('warn of "personal", which lets in the tokens of every app', () => {
    const { warnings } = githubToken({ allow: 'personal' })
    expect(warnings).toEqual([
      expect.stringMatching(/^"allow" is "personal": .* Prefer \{ clientId/),
    ])
    expect(githubToken({ allow: APP }).warnings).toEqual([])
  })

  it('permit http elsewhere if they say so, with a warning', () => {
    const baseUrl = 'http://ghe.example.com'
    const { warnings } = githubToken({ allow: APP, baseUrl, allowInsecureHttp: true })
    expect(warnings).toEqual([expect.stringContaining('"allowInsecureHttp" is true')])
  })
})
