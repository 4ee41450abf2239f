import { describe, expect, it, vi } from 'vitest'
import { memoryCache } from '../../../src/index.ts'
import { kubernetesToken } from '../../../src/verifiers.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { TOKEN } from '../../support/token.ts'
import {
  ALLOWED,
  guardBy,
  OWN_TOKEN,
  ROBOT,
  selfReview,
  startKubernetes,
  tokenReview,
  UNAUTHORIZED,
  UNKNOWN,
} from './kubernetes-service.ts'
import { readJson } from '../../support/project.ts'
import type { KubernetesTokenOptions } from '../../../src/verifiers.ts'
import { words } from '../../support/words.ts'

const BY_REVIEW: KubernetesTokenOptions = { audiences: 'my-api', token: () => OWN_TOKEN }
const BY_ITSELF: KubernetesTokenOptions = { review: 'self' }

const NO_ROLE =
  'the account of this server may not ask about tokens. Run kubectl create clusterrolebinding with-auth --clusterrole system:auth-delegator --serviceaccount NAMESPACE:ACCOUNT'
const NOW_S = 1_796_000_000
/** A token with these claims, in the form of RFC 7515. */
function tokenWith(claims: unknown): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`
}

describe('a TokenReview', () => {
  it('is asked for by the token of this server, for its own audiences', async () => {
    const kubernetes = await startKubernetes(() => tokenReview(ALLOWED))
    const given = { ...BY_REVIEW, audiences: ['my-api', 'my-other-api'] }
    const { auth, ...event } = await guardBy(kubernetes, given).ask()
    expect(event).toMatchObject({ outcome: 'allow', verifier: 'kubernetes', endpointStatus: 201 })
    expect(auth?.principal).toBe(ROBOT.username)
    const [{ method, url, headers, body } = {}] = kubernetes.calls
    expect({ method, url }).toEqual({
      method: 'POST',
      url: '/k8s/clusters/c1/apis/authentication.k8s.io/v1/tokenreviews',
    })
    const authorization = `Bearer ${OWN_TOKEN}`
    expect(headers).toMatchObject({ authorization, 'content-type': 'application/json' })
    expect(JSON.parse(body ?? '')).toEqual({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: TOKEN, audiences: ['my-api', 'my-other-api'] },
    })
  })

  it.each<[string, object, string]>([
    ['the token is unknown', UNKNOWN, 'unknown_token'],
    ['it says so', { ...ALLOWED, authenticated: false }, 'unknown_token'],
    ['`authenticated` is a text', { ...ALLOWED, authenticated: 'true' }, 'unknown_token'],
    ['`authenticated` is 1', { ...ALLOWED, authenticated: 1 }, 'unknown_token'],
    ['`authenticated` is missing', { user: ROBOT, audiences: ['my-api'] }, 'unknown_token'],
    ['it has an error beside', { ...ALLOWED, error: 'a webhook failed' }, 'unknown_token'],
    ['the error has another form', { ...ALLOWED, error: {} }, 'unknown_token'],
    ['the API server did not look at audiences', { ...ALLOWED, audiences: undefined }, 'audience'],
    ['the token has no audience', { ...ALLOWED, audiences: [] }, 'audience'],
    ['the token is for another', { ...ALLOWED, audiences: ['https://kubernetes'] }, 'audience'],
    ['the audiences are a text', { ...ALLOWED, audiences: 'my-api, other' }, 'audience'],
    ['nobody is calling', { ...ALLOWED, user: { username: 'system:anonymous' } }, 'unknown_token'],
  ])('denies if %s', async (_what, status, detail) => {
    const decision = await guardBy(await startKubernetes(() => tokenReview(status))).ask()
    expect(decision).toMatchObject({ outcome: 'deny', reason: 'denied', detail })
  })

  it('allows with an empty error, and with one audience of several', async () => {
    const status = { ...ALLOWED, error: '', audiences: ['other', 'my-api'] }
    const { outcome } = await guardBy(await startKubernetes(() => tokenReview(status))).ask()
    expect(outcome).toBe('allow')
  })

  it.each<[string, object]>([
    ['has no username', { ...ALLOWED, user: {} }],
    ['has an empty username', { ...ALLOWED, user: { username: '' } }],
    ['has no user', { ...ALLOWED, user: null }],
  ])('is not a verdict if it %s', async (_what, status) => {
    const decision = await guardBy(await startKubernetes(() => tokenReview(status))).ask()
    expect(decision.reason).toBe('invalid_response')
  })
})

describe('what the token itself says', () => {
  it('ends a cached allow, also while the API server is away', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW_S * 1000 })
    const kubernetes = await startKubernetes(() => tokenReview(ALLOWED))
    const { apiServerUrl } = kubernetes
    const cache = memoryCache({ allowTtlMs: 60_000, staleIfErrorMs: 300_000 })
    const { ask } = guardWith(kubernetesToken({ ...BY_REVIEW, apiServerUrl }), { cache })
    // Its base64 has "-" and "_".
    const token = tokenWith({ exp: NOW_S + 10, name: '~~~???' })
    expect(token).toMatch(/-.*_/)
    expect((await ask(token)).auth?.expiresAt).toBe((NOW_S + 10) * 1000)
    kubernetes.answerWith(() => ({ status: 500 }))
    vi.setSystemTime((NOW_S + 9) * 1000)
    expect(await ask(token)).toMatchObject({ outcome: 'allow', cache: 'hit' })
    vi.setSystemTime((NOW_S + 10) * 1000)
    expect(await ask(token)).toMatchObject({ outcome: 'deny', reason: 'service_error' })
  })

  it.each([
    tokenWith({}),
    tokenWith({ exp: String(NOW_S) }),
    tokenWith({ exp: 1e306 }),
    tokenWith({ exp: -1 }),
    tokenWith('exp'),
    tokenWith([{ exp: 1 }]),
    tokenWith({ exp: NOW_S + 60 })
      .split('.', 2)
      .join('.'),
    'e30._.c2ln',
    `${tokenWith({ exp: NOW_S + 60 })}.more`,
    TOKEN,
  ])('is not asked for: %s is allowed without an end', async (token) => {
    const { ask } = guardBy(await startKubernetes(() => tokenReview(ALLOWED)))
    const { outcome, auth } = await ask(token)
    expect({ outcome, expiresAt: auth?.expiresAt }).toEqual({ outcome: 'allow' })
  })

  it.each<[string, object, string, string]>([
    ['has ended', { exp: NOW_S, aud: 'other' }, 'expired', 'expired'],
    ['is not good yet', { nbf: NOW_S + 1, aud: ['other'] }, 'not_yet_valid', 'not_yet_valid'],
    ['is for others', { aud: ['other', 'another'] }, 'audience', 'unknown_token'],
    ['is for another', { aud: 'other' }, 'audience', 'unknown_token'],
    ['looks good', { aud: ['x', 'my-api'], nbf: NOW_S }, 'unknown_token', 'unknown_token'],
    ['is for this server alone', { aud: 'my-api' }, 'unknown_token', 'unknown_token'],
    ['says nothing', {}, 'unknown_token', 'unknown_token'],
  ])('explains a denial: it %s', async (_what, claims, detail, bySelf) => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW_S * 1000 })
    const token = tokenWith(claims)
    const given = { ...BY_REVIEW, audiences: ['my-api', 'my-other-api'] }
    const review = guardBy(await startKubernetes(() => tokenReview(UNKNOWN)), given)
    expect(await review.ask(token)).toMatchObject({ reason: 'denied', detail })
    const self = guardBy(await startKubernetes(() => UNAUTHORIZED), BY_ITSELF)
    expect(await self.ask(token)).toMatchObject({ reason: 'denied', detail: bySelf })
  })

  it('denies nothing that the API server allows', async () => {
    const { ask } = guardBy(await startKubernetes(() => tokenReview(ALLOWED)))
    const token = tokenWith({ exp: 1, nbf: 1e11, aud: 'other' })
    expect((await ask(token)).outcome).toBe('allow')
  })
})

describe('a SelfSubjectReview', () => {
  it('is asked for by the very token', async () => {
    const kubernetes = await startKubernetes(() => selfReview(ROBOT))
    const { auth } = await guardBy(kubernetes, BY_ITSELF).ask()
    expect(auth?.principal).toBe(ROBOT.username)
    const [{ url, headers, body } = {}] = kubernetes.calls
    expect(url).toBe('/k8s/clusters/c1/apis/authentication.k8s.io/v1/selfsubjectreviews')
    expect(headers?.authorization).toBe(`Bearer ${TOKEN}`)
    expect(JSON.parse(body ?? '')).toEqual({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'SelfSubjectReview',
    })
  })

  it('denies with 401, and for the anonymous user', async () => {
    const groups = ['system:unauthenticated']
    const answers = [UNAUTHORIZED, selfReview({ username: 'system:anonymous', groups })]
    for (const answer of answers) {
      const decision = await guardBy(await startKubernetes(() => answer), BY_ITSELF).ask()
      expect(decision).toMatchObject({ reason: 'denied', detail: 'unknown_token' })
    }
  })

  it('warns, since every pod has such a token', async () => {
    const { warnings } = guardBy(await startKubernetes(() => undefined), BY_ITSELF)
    const everyPod = expect.stringContaining('every pod has such a token') as string
    expect(warnings()).toEqual([everyPod])
    const insecure = { apiServerUrl: 'http://k8s.example', allowInsecureHttp: true }
    const inClearText = expect.stringContaining('clear text') as string
    expect(kubernetesToken({ ...BY_ITSELF, ...insecure }).warnings).toEqual([everyPod, inClearText])
  })
})

describe.each([
  ['a TokenReview', BY_REVIEW, (user: unknown) => tokenReview({ ...ALLOWED, user }), 'token'],
  ['a SelfSubjectReview', BY_ITSELF, selfReview, 'review'],
] as const)('the answer to %s', (_name, given, reviewOf, option) => {
  it('may have 1 MiB, such as the groups of LDAP', async () => {
    const groups = Array.from({ length: 9000 }, (_, n) => `cn=${n},${'ou=groups,'.repeat(10)}`)
    const kubernetes = await startKubernetes(() => reviewOf({ ...ROBOT, groups }))
    const { ask } = guardBy(kubernetes, { ...given, attributes: { groups: 'roles' } })
    expect((await ask()).auth?.attributes['roles']).toHaveLength(9000)
    kubernetes.answerWith(() => reviewOf({ ...ROBOT, groups: [...groups, ' '.repeat(2 ** 20)] }))
    expect((await ask()).reason).toBe('invalid_response')
  })

  it('is asked for by the name of this package', async () => {
    const kubernetes = await startKubernetes(() => reviewOf(ROBOT))
    await guardBy(kubernetes, given).ask()
    const { version } = readJson<{ version: string }>('package.json')
    expect(kubernetes.calls[0]?.headers['user-agent']).toBe(`with-auth/${version}`)
  })

  it('gives a service account its names, and no more by itself', async () => {
    const { auth } = await guardBy(await startKubernetes(() => reviewOf(ROBOT)), given).ask()
    expect({ ...auth?.attributes }).toEqual({ namespace: ['team-a'], serviceaccount: ['robot'] })
    expect(auth).not.toHaveProperty('tenant')
  })

  it('gives attributes and a tenant by their paths', async () => {
    const attributes = {
      groups: 'roles',
      uid: 'uids',
      [String.raw`extra.authentication\.kubernetes\.io/pod-name`]: 'pods',
      namespace: 'namespaces',
    }
    const kubernetes = await startKubernetes(() => reviewOf(ROBOT))
    const { auth } = await guardBy(kubernetes, { ...given, attributes, tenant: 'namespace' }).ask()
    expect(auth?.tenant).toBe('team-a')
    expect({ ...auth?.attributes }).toEqual({
      roles: ROBOT.groups,
      uids: [ROBOT.uid],
      pods: ['robot-6d4b75cb6d-hl7mz'],
      namespaces: ['team-a'],
      serviceaccount: ['robot'],
    })
  })

  it.each(
    words(`
    alice system:serviceaccount:team-a system:serviceaccount:team-a:robot:x
    system:serviceaccount::robot xsystem:serviceaccount:team-a:robot
    oidc:system:serviceaccount:team-a:robot system:node:node-1
  `),
  )('gives %s no names of a service account', async (username) => {
    const user = { ...ROBOT, username, namespace: 'kube-system' }
    const kubernetes = await startKubernetes(() => reviewOf(user))
    const { auth } = await guardBy(kubernetes, { ...given, tenant: 'namespace' }).ask()
    expect(auth?.principal).toBe(username)
    expect({ ...auth?.attributes }).toEqual({})
    expect(auth).not.toHaveProperty('tenant')
  })

  it.each<[string, number, string]>([
    ['403: the rights are missing', 403, option],
    ['404: it is another server, or an old one', 404, 'apiServerUrl'],
    ['200: nothing was created', 200, 'apiServerUrl'],
    ['302', 302, 'apiServerUrl'],
  ])('is not a verdict with %s', async (_what, status, blamed) => {
    const { json } = reviewOf(ROBOT)
    const kubernetes = await startKubernetes(() => ({ status, json }))
    const { ask, warnings } = guardBy(kubernetes, given)
    expect(await ask()).toMatchObject({ reason: 'service_error', endpointStatus: status })
    const advice = blamed === 'token' ? NO_ROLE : `check "${blamed}"`
    expect(warnings()).toContain(`127.0.0.1:${kubernetes.port} answered ${status}: ${advice}`)
  })

  it.each<[string, object, string]>([
    ['500', { status: 500 }, 'service_error'],
    ['429', { status: 429 }, 'rate_limited'],
    ['HTML', { status: 201, text: '<html>' }, 'invalid_response'],
    ['a list', { status: 201, json: [] }, 'invalid_response'],
    ['no status', { status: 201, json: {} }, 'invalid_response'],
    ['a status that is a text', { status: 201, json: { status: 'Success' } }, 'invalid_response'],
  ])('is not a verdict with %s', async (_what, answer, reason) => {
    const { ask, warnings } = guardBy(await startKubernetes(() => answer), given)
    expect((await ask()).reason).toBe(reason)
    expect(warnings().filter((text) => text.includes('answered'))).toEqual([])
  })
})
