import { describe, expect, it } from 'vitest'
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
} from '../../support/kubernetes-service.ts'
import type { KubernetesTokenOptions } from '../../../src/verifiers.ts'

const BY_REVIEW: KubernetesTokenOptions = { audiences: 'my-api', token: () => OWN_TOKEN }
const BY_ITSELF: KubernetesTokenOptions = { review: 'self' }

describe('a TokenReview', () => {
  it('is asked for by the token of this server, for its own audiences', async () => {
    const kubernetes = await startKubernetes(() => tokenReview(ALLOWED))
    const given = { ...BY_REVIEW, audiences: ['my-api', 'my-other-api'] }
    const decision = await guardBy(kubernetes, given).ask()
    expect(decision).toMatchObject({
      outcome: 'allow',
      verifier: 'kubernetes',
      endpointStatus: 201,
    })
    expect(decision.auth?.principal).toBe(ROBOT.username)
    const [{ method, url, headers, body } = {}] = kubernetes.calls
    expect({ method, url }).toEqual({
      method: 'POST',
      url: '/k8s/clusters/c1/apis/authentication.k8s.io/v1/tokenreviews',
    })
    expect(headers?.authorization).toBe(`Bearer ${OWN_TOKEN}`)
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
    [
      'the token is for another',
      { ...ALLOWED, audiences: ['https://kubernetes.default.svc'] },
      'audience',
    ],
    ['the audiences are a text', { ...ALLOWED, audiences: 'my-api, other' }, 'audience'],
    ['nobody is calling', { ...ALLOWED, user: { username: 'system:anonymous' } }, 'unknown_token'],
  ])('denies if %s', async (_what, status, detail) => {
    const decision = await guardBy(await startKubernetes(() => tokenReview(status))).ask()
    expect(decision).toMatchObject({ outcome: 'deny', reason: 'denied', detail })
  })

  it('allows with an empty error, and with one audience of several', async () => {
    const status = { ...ALLOWED, error: '', audiences: ['other', 'my-api'] }
    expect((await guardBy(await startKubernetes(() => tokenReview(status))).ask()).outcome).toBe(
      'allow',
    )
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
    expect(warnings()).toEqual([expect.stringContaining('every pod has such a token')])
  })
})

describe.each([
  ['a TokenReview', BY_REVIEW, (user: unknown) => tokenReview({ ...ALLOWED, user }), 'token'],
  ['a SelfSubjectReview', BY_ITSELF, selfReview, 'review'],
] as const)('the answer to %s', (_name, given, reviewOf, option) => {
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

  it.each([
    'alice',
    'system:serviceaccount:team-a',
    'system:serviceaccount:team-a:robot:x',
    'system:serviceaccount::robot',
    'xsystem:serviceaccount:team-a:robot',
    'oidc:system:serviceaccount:team-a:robot',
    'system:node:node-1',
  ])('gives %s no names of a service account', async (username) => {
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
    const text = `127.0.0.1:${kubernetes.port} answered ${status}: check "${blamed}"`
    expect(warnings()).toContain(text)
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
