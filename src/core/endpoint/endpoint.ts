import { parseCacheControl } from './freshness.ts'
import { createFaultReport, createStatusReport } from './identity-faults.ts'
import { createDrain } from './response-body.ts'
import { begin, failureToSend, readAnswer, reasonOf, responseOf, unavailable } from './send.ts'
import { readPath } from './claim-path.ts'
import { parseBodyIdentity } from './identity.ts'
import { asksForSecret, endBy, ENDPOINT_SECRET, parseBody } from './verdict.ts'
import { within } from '../async.ts'
import { AuthUnavailableError } from '../errors.ts'
import { encodeQuestion } from '../request/question.ts'
import type { Verify } from './checked-verifier.ts'
import type { OnFault } from './identity-faults.ts'
import type { BodyResult } from './response-body.ts'
import type { ParsedVerdict } from './verdict.ts'
import type { Question, Transport, TransportResponse, VerifierRun } from '../verifier.ts'

export interface EndpointOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly identity: 'optional' | 'required'
  /** The path of the tenant in the body, which then matters. By default `tenant`, which may be missing or wrong. */
  readonly tenantField?: string | undefined
  readonly fetch: Transport
}

/** Decides by asking an endpoint. Status 200 allows. 429 and 5xx throw, since they are not a verdict. Any other status denies. */
export function createEndpoint(options: EndpointOptions): Verify {
  const reportFault = createFaultReport()
  const noteStatus = createStatusReport(options.url)
  const drain = createDrain()
  return async (question, signal, run) => {
    const pending = post(question, options, signal, run)
    let response: TransportResponse
    try {
      response = responseOf(await pending, signal)
    } catch (error) {
      throw failureToSend(error, signal)
    }
    run.answered?.(response.status)
    noteStatus(response, run)
    // A `fetch` that follows redirects against its contract: this 200 may come from another server.
    if (response.status !== 200 || response.redirected === true) {
      const drained = drain(response.body)
      if (mayAskForSecret(response)) throw await failureOf(response, drained)
      return deny(response)
    }
    const body = await readAnswer(options.fetch, response, signal)
    return allow(body, response, options, run, (fault) => reportFault(fault, question.token, run))
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
  question: Question,
  { url, headers, fetch }: EndpointOptions,
  signal: AbortSignal,
  { trace }: VerifierRun,
): unknown {
  return begin(fetch, url, {
    method: 'POST',
    headers: {
      ...trace,
      ...headers,
      accept: 'application/json',
      'content-type': 'application/json',
    },
    body: encodeQuestion(question),
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
  { identity, tenantField }: EndpointOptions,
  // A caller that does not say what becomes of the tenant may need it.
  { tenant: given = 'required' }: VerifierRun,
  onFault: OnFault,
): ParsedVerdict {
  const use = given === 'optional' && tenantField !== undefined ? 'required' : given
  // A body that could not be read may have named a tenant.
  if (use === 'required' && body.state !== 'complete') throw unread(body, status)
  const json = parseBody(body, headers, onFault)
  const tenant =
    use === 'ignored' ? undefined : (readPath(json, tenantField ?? 'tenant') ?? undefined)
  if (use === 'required' && tenant !== undefined && typeof tenant !== 'string') {
    return { outcome: 'deny', isLasting: true, detail: 'tenant' }
  }
  const auth = parseBodyIdentity(json, tenant, onFault)
  if (identity === 'required' && auth.principal === undefined) throw unread(body, status)
  const said = parseCacheControl(headers.get('cache-control'))
  // A body that broke off may have named a principal, so this allow must not be cached.
  const isCut = body.state === 'broken' || body.state === 'timeout'
  return endBy({ outcome: 'allow', auth, ...said, ...(isCut ? { maxAgeMs: 0 } : {}) })
}

function unread(body: BodyResult, status: number): AuthUnavailableError {
  return new AuthUnavailableError(reasonOf(body), { status })
}
