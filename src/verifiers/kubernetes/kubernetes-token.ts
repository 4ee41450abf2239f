import { AuthUnavailableError } from '../../core/errors.ts'
import { runtimeFetch } from '../../core/endpoint/runtime-fetch.ts'
import { RUNTIME_FETCH_ID, USER_AGENT } from '../../core/runtime.ts'
import { askService, hostOf, warning } from '../ask.ts'
import { defineVerifier } from '../define-verifier.ts'
import { idOf } from '../id/id.ts'
import { INSECURE_HTTP, READS_TOKEN } from '../options.ts'
import { parseKubernetesOptions } from './options.ts'
import { isOwnAddress } from './own-address.ts'
import { OwnToken } from './own-token.ts'
import { judgeSelfReview, judgeTokenReview, UNKNOWN } from './review.ts'
import { endOf, explainDenial } from './unverified.ts'
import type { DefinedVerifier, Verdict, VerifierRun } from '../../core/verifier.ts'
import type { ServiceAnswer } from '../ask.ts'
import type { KubernetesTokenOptions, ResolvedKubernetes } from './options.ts'

const API = 'authentication.k8s.io/v1'
// Groups of LDAP are long, and one caller may have thousands of them.
const MAX_BYTES = 2 ** 20
export const BY_ITSELF =
  '"review" is "self": every pod has such a token, and this server could act in the cluster by it. Give "audiences" and "token"'

const NO_ROLE =
  'the account of this server may not ask about tokens. Run kubectl create clusterrolebinding with-auth --clusterrole system:auth-delegator --serviceaccount NAMESPACE:ACCOUNT'

const NO_OWN_TOKEN =
  'This server has no token of its own to ask Kubernetes with: check "token", and that its file is there and may be read'

/** Asks the API server to review a token. */
type Review = (token: string, signal: AbortSignal, run: VerifierRun) => Promise<Verdict>
type Advise = (status: number) => string

/**
 * Makes a verifier for tokens of Kubernetes. It asks the API server by a TokenReview, so that a token ends with its pod. The
 * principal is the username, such as `system:serviceaccount:default:robot`. A decision is cached for the `allowTtlMs` of the cache, and never
 * after the token's `exp`. The API server keeps its own decisions for ten seconds.
 *
 * @throws AuthConfigError for options that cannot be used.
 *
 * @example
 * ```ts node
 * import { readFile } from 'node:fs/promises'
 * import { memoryCache, withAuth } from 'with-auth'
 * import { nodeTransport } from 'with-auth/node'
 * import { kubernetesToken } from 'with-auth/verifiers'
 *
 * const account = '/var/run/secrets/kubernetes.io/serviceaccount'
 * const ca = await readFile(`${account}/ca.crt`, 'utf8')
 *
 * export default withAuth(() => new Response('hello'), {
 *   verifier: kubernetesToken({
 *     audiences: 'my-api',
 *     token: () => readFile(`${account}/token`, 'utf8'),
 *     attributes: { groups: 'roles' },
 *     fetch: nodeTransport({ ca }),
 *   }),
 *   cache: memoryCache(),
 * })
 * ```
 */
export function kubernetesToken(options: KubernetesTokenOptions): DefinedVerifier {
  const kubernetes = parseKubernetesOptions(options)
  const { audiences, apiServerUrl, attributes, tenant, allowInsecureHttp, fetch } = kubernetes
  const review = createReview(kubernetes)
  const shown = { apiServerUrl, attributes, tenant, allowInsecureHttp }
  const kind = audiences === undefined ? { review: 'self' } : { audiences, token: '[redacted]' }
  // At such an address each cluster has another API server. Only a `fetch` that trusts its authority alone tells them apart.
  const isAmbiguous =
    isOwnAddress(apiServerUrl) && (fetch?.id ?? RUNTIME_FETCH_ID) === RUNTIME_FETCH_ID
  const asked = { type: 'kubernetes', url: apiServerUrl, fetch }
  return defineVerifier({
    ask: async ({ token }, signal, run = {}) =>
      withFactsOf(token, await review(token, signal, run), audiences),
    id: isAmbiguous ? undefined : idOf({ ...asked, options: { audiences, ...shown } }),
    reads: READS_TOKEN,
    label: 'kubernetes',
    warnings: [
      ...(audiences === undefined ? [BY_ITSELF] : []),
      ...(allowInsecureHttp ? [INSECURE_HTTP] : []),
    ],
    describe: () => ({ type: 'kubernetes', ...kind, ...shown }),
  })
}

/** Adds what only the token says: when an allow ends, and why it was denied where the cluster says just "no". */
function withFactsOf(
  token: string,
  verdict: Verdict,
  audiences: readonly string[] | undefined,
): Verdict {
  if (verdict.outcome === 'allow') return { ...verdict, expiresAt: endOf(token) }
  if (verdict !== UNKNOWN) return verdict
  return { ...verdict, detail: explainDenial(token, audiences) }
}

function createReview(kubernetes: ResolvedKubernetes): Review {
  // Both are given, or none.
  const { audiences = [], token: readOwnToken, apiServerUrl } = kubernetes
  if (readOwnToken === undefined) {
    const advise = createAdvice(apiServerUrl, 'review')
    const question = createQuestion(kubernetes, 'selfsubjectreviews', advise)
    const body = JSON.stringify({ apiVersion: API, kind: 'SelfSubjectReview' })
    return async (token, signal, run) => {
      const { status, json } = await question(token, body, signal, run)
      return status === 401 ? UNKNOWN : judgeSelfReview(json, kubernetes)
    }
  }
  const advise = createAdvice(apiServerUrl, 'token')
  const question = createQuestion(kubernetes, 'tokenreviews', advise)
  const own = new OwnToken(readOwnToken)
  return async (token, signal, run) => {
    const body = JSON.stringify({
      apiVersion: API,
      kind: 'TokenReview',
      spec: { token, audiences },
    })
    const ask = (by: string): Promise<ServiceAnswer> => question(by, body, signal, run)
    const first = await own.get(signal).catch((error: unknown) => {
      run.warn?.(NO_OWN_TOKEN)
      throw error
    })
    let answer = await ask(first)
    const renewed = answer.status === 401 ? await own.renew(first, signal) : undefined
    if (renewed !== undefined) answer = await ask(renewed)
    if (answer.status !== 401) return judgeTokenReview(answer.json, audiences, kubernetes)
    run.warn?.(advise(401))
    const explanation = `${hostOf(apiServerUrl)} rejects the token of this server with 401`
    throw new AuthUnavailableError('service_error', { status: 401, explanation })
  }
}

function createQuestion(
  { apiServerUrl, fetch = runtimeFetch }: ResolvedKubernetes,
  resource: string,
  advise: Advise,
) {
  const url = `${apiServerUrl}/apis/${API}/${resource}`
  return (
    by: string,
    body: string,
    signal: AbortSignal,
    run: VerifierRun,
  ): Promise<ServiceAnswer> => {
    const asking = askService(fetch, url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${by}`,
        'content-type': 'application/json',
        'user-agent': USER_AGENT,
      },
      body,
      signal,
      maxBytes: MAX_BYTES,
      expected: { 201: 'json', 401: 'ignore' },
      answered: run.answered,
    })
    return warning(run, advise, asking)
  }
}

/** Makes advice for the operator: a status is about the rights of this server, or about its options. */
function createAdvice(apiServerUrl: string, option: 'review' | 'token'): Advise {
  const host = hostOf(apiServerUrl)
  return (status) => {
    if (status === 403 && option === 'token') return `${host} answered 403: ${NO_ROLE}`
    const isRights = status === 401 || status === 403
    return `${host} answered ${status}: check "${isRights ? option : 'apiServerUrl'}"`
  }
}
