import { parseCacheControl } from './freshness.ts'
import { createFaultReport, createStatusReport } from './identity-faults.ts'
import { createDrain } from './response-body.ts'
import { reasonOf, readAnswer, send, unavailable } from './send.ts'
import { readPath } from './claim-path.ts'
import { parseBodyIdentity } from './identity.ts'
import { asksForSecret, endBy, ENDPOINT_SECRET, parseBody } from './verdict.ts'
import { within } from '../async.ts'
import { AuthUnavailableError } from '../errors.ts'
import { encodeQuestion } from '../request/question.ts'
import type { BadTenant } from './tenancy.ts'
import type { Notify, OnFault } from './identity-faults.ts'
import type { BodyResult } from './response-body.ts'
import type { Ask, ParsedVerdict } from './verdict.ts'
import type { Transport, TransportResponse } from '../verifier.ts'
import type { Check } from '../request/check.ts'

export interface EndpointOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly identity: 'optional' | 'required'
  /** The path of the tenant in the body. */
  readonly tenantField: string
  readonly badTenant: BadTenant
  readonly fetch: Transport
  readonly notify: Notify
}

/** Asks the endpoint. Status 200 allows. 429 and 5xx throw, since they are not a verdict. Any other status denies. */
export function createEndpoint(options: EndpointOptions): Ask {
  const reportFault = createFaultReport(options.notify)
  const noteStatus = createStatusReport(options.url, options.notify)
  const drain = createDrain()
  return async (check, { signal, facts }) => {
    const response = await post(check, options, signal)
    facts.endpointStatus = response.status
    noteStatus(response)
    // A `fetch` that follows redirects against its contract: this 200 may come from another server.
    if (response.status !== 200 || response.redirected === true) {
      const drained = drain(response.body)
      if (mayAskForSecret(response)) throw await failureOf(response, drained)
      return deny(response)
    }
    const body = await readAnswer(options.fetch, response, signal)
    return allow(body, response, options, (fault) => reportFault(fault, check.token))
  }
}

// How long a caller waits for the body of a 500, which comes with its head as a rule.
const REASON_MS = 100

function mayAskForSecret({ status, headers }: TransportResponse): boolean {
  return status === 500 && /^application\/json\b/i.test(String(headers.get('content-type')))
}

/** The failure that a 500 is, and why, if it asks for the secret of the endpoint. */
async function failureOf(
  response: TransportResponse,
  drained: Promise<BodyResult>,
): Promise<AuthUnavailableError> {
  const body = await within(REASON_MS, drained)
  const isAsked = body?.state === 'complete' && asksForSecret(body.text)
  const code = ENDPOINT_SECRET.toUpperCase()
  return unavailable('service_error', response, isAsked ? { cause: { code } } : {})
}

function post(
  check: Check,
  { url, headers, fetch }: EndpointOptions,
  signal: AbortSignal,
): Promise<TransportResponse> {
  return send(fetch, url, {
    method: 'POST',
    headers: {
      ...check.trace,
      ...headers,
      accept: 'application/json',
      'content-type': 'application/json',
    },
    body: encodeQuestion(check.question),
    signal,
  })
}

function deny(response: TransportResponse): ParsedVerdict {
  const { status, headers } = response
  if (status === 429) throw unavailable('rate_limited', response)
  if (status >= 500 && status <= 599) throw unavailable('service_error', response)
  const { maxAgeMs } = parseCacheControl(headers.get('cache-control'))
  const isLasting = status === 401 || status === 403
  return { outcome: 'deny', isLasting, ...(maxAgeMs === undefined ? {} : { maxAgeMs }) }
}

function allow(
  body: BodyResult,
  { status, headers }: TransportResponse,
  { identity, tenantField, badTenant }: EndpointOptions,
  onFault: OnFault,
): ParsedVerdict {
  const json = parseBody(body, headers, onFault)
  const tenant = badTenant === 'ignored' ? undefined : (readPath(json, tenantField) ?? undefined)
  if (badTenant === 'denied' && tenant !== undefined && typeof tenant !== 'string') {
    return { outcome: 'deny', isLasting: true, detail: 'tenant' }
  }
  const auth = parseBodyIdentity(json, tenant, onFault)
  if (identity === 'required' && auth.principal === undefined) {
    throw new AuthUnavailableError(reasonOf(body), { status })
  }
  const said = parseCacheControl(headers.get('cache-control'))
  // A body that broke off may have named a principal, so this allow must not be cached.
  const isCut = body.state === 'broken' || body.state === 'timeout'
  return endBy({ outcome: 'allow', auth, ...said, ...(isCut ? { maxAgeMs: 0 } : {}) })
}
