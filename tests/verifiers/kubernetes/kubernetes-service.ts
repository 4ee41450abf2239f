import { kubernetesToken } from '../../../src/verifiers.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { startService } from '../../support/verifier-service.ts'
import type { KubernetesTokenOptions } from '../../../src/verifiers.ts'
import type { Answer, ServiceCall } from '../../support/verifier-service.ts'

/** Bodies as the API server of Kubernetes 1.31 sends them, with other names. */

export const OWN_TOKEN = 'token-of-this-server'

const META = { creationTimestamp: null }
const EXTRA = {
  'authentication.kubernetes.io/credential-id': ['JTI=7ee52be0-9045-4653-aa5e-0da57b8dccdc'],
  'authentication.kubernetes.io/node-name': ['kind-control-plane'],
  'authentication.kubernetes.io/pod-name': ['robot-6d4b75cb6d-hl7mz'],
}
export const ROBOT = {
  username: 'system:serviceaccount:team-a:robot',
  uid: 'e1ae52a3-ef8c-4a27-8a4e-9a1ee4b9cd86',
  groups: ['system:serviceaccounts', 'system:serviceaccounts:team-a', 'system:authenticated'],
  extra: EXTRA,
}

/** A TokenReview with this status. */
export function tokenReview(status: object, token = 'x', audiences = ['my-api']) {
  const spec = { token, audiences }
  const json = { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', metadata: META, spec }
  return { status: 201, json: { ...json, status } }
}

export const ALLOWED = { authenticated: true, user: ROBOT, audiences: ['my-api'] }
// Go leaves `authenticated: false` out.
export const UNKNOWN = { user: {}, error: '[invalid bearer token, unknown]' }

/** A SelfSubjectReview about this user. */
export function selfReview(userInfo: unknown) {
  const metadata = { creationTimestamp: '2026-11-26T20:00:00Z' }
  const json = { kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1', metadata }
  return { status: 201, json: { ...json, status: { userInfo } } }
}

/** The answer to a request whose token the API server does not take. */
export const UNAUTHORIZED = {
  status: 401,
  json: {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  },
}

/** Starts an API server. Its URL has a path, as behind a proxy for several clusters. */
export async function startKubernetes(answer: (call: ServiceCall) => ReturnType<Answer>) {
  const service = await startService(answer)
  return { ...service, apiServerUrl: `http://127.0.0.1:${service.port}/k8s/clusters/c1` }
}

/** A guard with `kubernetesToken` over this API server, by default for the audience `my-api`. */
export function guardBy(
  { apiServerUrl }: { readonly apiServerUrl: string },
  given: KubernetesTokenOptions = { audiences: 'my-api', token: () => OWN_TOKEN },
) {
  return guardWith(kubernetesToken({ apiServerUrl, ...given }))
}
