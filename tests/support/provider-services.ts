import { keyOf } from './issuer.ts'
import { startService } from './verifier-service.ts'
import type { SigningKey } from './issuer.ts'
import type { Answer, ServiceCall } from './verifier-service.ts'

/** The services that providers of a run.yaml ask, all on one port. */

/** Good for introspection, Kubernetes and the auth endpoint. */
export const GOOD = 'good-token'
export const GITHUB_TOKEN = `ghp_${'a'.repeat(36)}`
export const APP_TOKEN = `gho_${'b'.repeat(36)}`

const ACCOUNT = {
  username: 'system:serviceaccount:default:robot',
  groups: ['system:authenticated', 'builders'],
}
const OCTOCAT = { login: 'octocat', id: 583231 }

type Answers = Readonly<Record<string, (call: ServiceCall, url: string) => ReturnType<Answer>>>

function bearerOf({ headers }: ServiceCall): string | undefined {
  return headers.authorization?.replace(/^Bearer /, '')
}

const ANSWERS: Answers = {
  'GET /.well-known/openid-configuration': (_, url) => ({
    json: { issuer: url, jwks_uri: `${url}/jwks` },
  }),
  'POST /introspect': ({ body }, url) => ({
    json:
      new URLSearchParams(body).get('token') === GOOD
        ? { active: true, username: 'ally', aud: 'my-api', iss: url, org: 'acme', team: 'red' }
        : { active: false },
  }),
  'GET /user': (call) =>
    bearerOf(call) === GITHUB_TOKEN ? { json: OCTOCAT } : { status: 401, json: {} },
  'GET /user/orgs': () => ({ json: [{ login: 'acme' }] }),
  'POST /applications/app/token': ({ body }) =>
    body.includes(APP_TOKEN)
      ? { json: { app: { client_id: 'app' }, user: OCTOCAT, scopes: [] } }
      : { status: 404 },
  'POST /apis/authentication.k8s.io/v1/selfsubjectreviews': (call) =>
    bearerOf(call) === GOOD
      ? { status: 201, json: { status: { userInfo: ACCOUNT } } }
      : { status: 401 },
  'POST /apis/authentication.k8s.io/v1/tokenreviews': (call) => {
    if (bearerOf(call) !== 'reviewer') return { status: 401 }
    const { spec } = JSON.parse(call.body) as { spec: { token: string; audiences: string[] } }
    const good = { authenticated: true, user: ACCOUNT, audiences: spec.audiences }
    return { status: 201, json: { status: spec.token === GOOD ? good : {} } }
  },
  'POST /validate': ({ body }) =>
    body.includes(GOOD)
      ? { json: { principal: 'carol', tenant: 'default-place', org: { id: 'acme' } } }
      : { status: 401, json: {} },
}

/** Starts the services until the end of the test. */
export async function startProviders() {
  const key: SigningKey = await keyOf('ES256', 'a')
  let isDown = false
  const service = await startService((call) => {
    const url = `http://${call.headers.host}`
    if (isDown) return { status: 503 }
    const { pathname } = new URL(call.url ?? '', url)
    if (pathname === '/jwks') return { json: { keys: [key.jwk] } }
    return ANSWERS[`${call.method} ${pathname}`]?.(call, url) ?? { status: 404 }
  })
  return {
    ...service,
    url: `http://127.0.0.1:${service.port}`,
    key,
    fail: (): void => {
      isDown = true
    },
  }
}
