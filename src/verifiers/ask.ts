import { parseRetryAfter } from '../core/endpoint/freshness.ts'
import { createDrain, readBody, readResponse } from '../core/endpoint/response-body.ts'
import { send } from '../core/endpoint/send.ts'
import { parseJson } from '../core/endpoint/verdict.ts'
import { AuthUnavailableError } from '../core/errors.ts'
import { runtimeFetch } from '../core/runtime.ts'
import type { Transport, TransportInit, TransportResponse } from '../core/auth-config.ts'
import type { BodyResult } from '../core/endpoint/response-body.ts'
import type { UnavailableReason } from '../core/types.ts'

/**
 * What to do with the body of an expected status. `json`: it must be JSON, else there is no verdict. `try_json`: `json` is
 * `undefined` if it is not. `ignore`: it is not waited for.
 */
export type BodyUse = 'json' | 'try_json' | 'ignore'

export interface ServiceQuestion extends Omit<TransportInit, 'redirect'> {
  /** The statuses that mean something. Any other is `service_error`. By default a 200 with JSON. */
  readonly expected?: Readonly<Record<number, BodyUse>>
  /** The longest body. 64 KiB by default. */
  readonly maxBytes?: number
  /** Gets the status of a response. */
  readonly answered?: ((status: number) => void) | undefined
}

export interface ServiceAnswer {
  readonly status: number
  readonly headers: TransportResponse['headers']
  readonly json: unknown
}

const ONLY_JSON: Readonly<Record<number, BodyUse>> = { 200: 'json' }

const drain = createDrain()

/**
 * Sends a question of a verifier to a service, and follows no redirect. Throws `AuthUnavailableError` unless the status is an
 * expected one: a status about the rights of this server must not read as a denial of the caller's token.
 */
export async function askService(
  transport: Transport,
  url: string,
  { expected = ONLY_JSON, maxBytes, answered, ...init }: ServiceQuestion,
): Promise<ServiceAnswer> {
  const headers = { accept: 'application/json', ...init.headers }
  const response = await send(transport, url, { ...init, headers })
  const { status } = response
  answered?.(status)
  const use = Object.hasOwn(expected, status) ? expected[status] : undefined
  // A `fetch` that follows redirects against its contract: this response may come from another server.
  const isForeign = response.redirected === true
  if (use === undefined || isForeign) {
    void drain(response.body)
    throw unexpected(response, isForeign)
  }
  const answer = { status, headers: response.headers }
  if (use === 'ignore') {
    void drain(response.body)
    return { ...answer, json: undefined }
  }
  // A Response of other code may name a wrong length, and may ignore the signal.
  const body = await (transport === runtimeFetch
    ? readResponse(response, init.signal, maxBytes)
    : readBody(response.body, init.signal, maxBytes))
  const json = body.state === 'complete' ? parseJson(body.text) : undefined
  if (json === undefined && use === 'json') throw unreadable(body, status)
  return { ...answer, json }
}

function unexpected(
  { status, headers }: TransportResponse,
  isForeign: boolean,
): AuthUnavailableError {
  if (isForeign) return new AuthUnavailableError('service_error')
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), Date.now())
  const reason = status === 429 ? 'rate_limited' : 'service_error'
  return new AuthUnavailableError(reason, { retryAfterMs, status })
}

const UNREADABLE: Readonly<Record<BodyResult['state'], UnavailableReason>> = {
  complete: 'invalid_response',
  not_utf8: 'invalid_response',
  too_long: 'invalid_response',
  broken: 'unreachable',
  timeout: 'timeout',
}

function unreadable({ state }: BodyResult, status: number): AuthUnavailableError {
  return new AuthUnavailableError(UNREADABLE[state], { status })
}
