import { parseCacheControl, parseRetryAfter } from './freshness.ts'
import { AuthUnavailableError } from '../errors.ts'
import { createUnreachable } from './failure-cause.ts'
import { createFaultReport } from './identity-faults.ts'
import { encodeQuestion } from '../request/question.ts'
import { createDrain, readBody, readResponse } from './response-body.ts'
import { runtimeFetch } from '../runtime.ts'
import { orAborted } from '../async.ts'
import { parseBody, parseIdentity, checkVerdict } from './verdict.ts'
import type { Freshness } from './freshness.ts'
import type { Check } from '../request/check.ts'
import type { TimedVerifier } from '../endpoint/verdict.ts'
import type { Channel } from '../events.ts'
import type { OnFault } from './identity-faults.ts'
import type { BodyOutcome } from './response-body.ts'
import type { Transport, TransportInit, TransportResponse, CustomVerifier } from '../auth-config.ts'
import type { UnavailableReason } from '../types.ts'
import type { AllowVerdict, CheckedVerdict } from './verdict.ts'

/** What the endpoint is, as configured. */
export interface EndpointOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly identity: 'optional' | 'required'
  readonly fetch: Transport
  readonly notify: Channel['notify']
}

/** Asks the endpoint: exactly 200 allows; everything else denies, or is no verdict and thrown. */
export function createEndpoint(options: EndpointOptions): TimedVerifier {
  const reportFault = createFaultReport(options.notify)
  // What else gives a Response may say a length that nothing holds it to, and may not obey the signal.
  const isRuntime = options.fetch === runtimeFetch
  const drain = createDrain()
  return async (check, _deadline, signal) => {
    const response = await post(check, options, signal)
    check.endpointStatus = response.status
    // A `fetch` that follows redirects against its contract: this 200 may come from another server.
    if (response.status !== 200 || response.redirected === true) {
      drain(response.body)
      return deny(response)
    }
    const body = await (isRuntime
      ? readResponse(response, signal)
      : readBody(response.body, signal))
    return allow(body, response, options.identity, (fault) => reportFault(fault, check.token))
  }
}

async function post(
  check: Check,
  options: EndpointOptions,
  signal: AbortSignal,
): Promise<TransportResponse> {
  const init: TransportInit = {
    method: 'POST',
    headers: { ...options.headers, accept: 'application/json', 'content-type': 'application/json' },
    body: encodeQuestion(check.question),
    // 'follow' would let in whoever is sent to a login page, and repeat the token to another host on a 307.
    // 'error' throws on Workers even without a redirect.
    redirect: 'manual',
    signal,
  }
  check.attempts += 1
  check.endpointStatus = undefined
  // What is thrown here at once is a bug of that `fetch` and no outage, so it is not caught.
  const pending = Promise.resolve(options.fetch(options.url, init))
  const response: unknown = await orAborted(pending, signal).catch((error: unknown) => {
    throw signal.aborted ? new AuthUnavailableError('timeout') : createUnreachable(error)
  })
  if (!isTransportResponse(response)) throw new TypeError('"fetch" returned no response')
  return response
}

function deny(response: TransportResponse): CheckedVerdict {
  const { status, headers } = response
  if (status === 429) throw unavailable('rate_limited', response)
  if (status >= 500 && status <= 599) throw unavailable('service_error', response)
  const { maxAgeMs } = parseCacheControl(headers.get('cache-control'))
  const isLasting = status === 401 || status === 403
  return { outcome: 'deny', isLasting, ...(maxAgeMs === undefined ? {} : { maxAgeMs }) }
}

function allow(
  body: BodyOutcome,
  { status, headers }: TransportResponse,
  identity: EndpointOptions['identity'],
  onFault: OnFault,
): CheckedVerdict {
  const json = parseBody(body, headers, onFault)
  const auth = parseIdentity(json, onFault)
  if (identity === 'required' && auth.principal === undefined) {
    throw new AuthUnavailableError(missingIdentityReason(body), { status })
  }
  const said = parseCacheControl(headers.get('cache-control'))
  // What broke off may have named somebody: this allow is for now, and not to be kept.
  const freshness = isCut(body) ? { ...said, maxAgeMs: 0 } : said
  return { outcome: 'allow', auth, ...bounded(freshness, readExpiry(json)) }
}

/** Bounds by the time of day, and by as long as it takes until then: either clock may be set or stand still. */
function bounded(
  freshness: Freshness,
  endsAt: number | undefined,
): Freshness & Pick<AllowVerdict, 'endsAt'> {
  if (endsAt === undefined) return freshness
  const maxAgeMs = Math.min(freshness.maxAgeMs ?? Infinity, Math.max(0, endsAt - Date.now()))
  return { ...freshness, maxAgeMs, endsAt }
}

// RFC 7662 §4: what was said about a token must not be kept beyond the `exp` that was said with it.
function readExpiry(json: unknown): number | undefined {
  if (typeof json !== 'object' || json === null || !('exp' in json)) return undefined
  return typeof json.exp === 'number' ? json.exp * 1000 : undefined
}

function isCut({ state }: BodyOutcome): boolean {
  return state === 'broken' || state === 'timeout'
}

function missingIdentityReason(body: BodyOutcome): UnavailableReason {
  if (body.state === 'timeout') return 'timeout'
  return body.state === 'broken' ? 'unreachable' : 'invalid_response'
}

function unavailable(reason: UnavailableReason, response: TransportResponse): AuthUnavailableError {
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), Date.now())
  return new AuthUnavailableError(reason, { retryAfterMs, status: response.status })
}

// By shape: a Response of another realm or of another fetch is no instance of ours.
function isTransportResponse(value: unknown): value is TransportResponse {
  if (typeof value !== 'object' || value === null) return false
  if (!('status' in value && typeof value.status === 'number')) return false
  return 'headers' in value && typeof value.headers === 'object' && value.headers !== null
}

/** Asks a function of the user's, and trusts nothing of what it returns. */
export function createCustomVerifier(
  verifier: CustomVerifier,
  identity: 'optional' | 'required',
): TimedVerifier {
  return async (check, _deadline, signal) => {
    check.attempts += 1
    const pending = Promise.resolve(verifier(check.question, signal))
    const verdict = checkVerdict(await orAborted(pending, signal), check.token)
    if (verdict.outcome === 'deny' || identity === 'optional') return verdict
    if (verdict.auth.principal === undefined) throw new AuthUnavailableError('invalid_response')
    return verdict
  }
}
