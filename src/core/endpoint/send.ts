import { isRecord } from './claim-path.ts'
import { parseRetryAfter } from './freshness.ts'
import { readBody, readResponse } from './response-body.ts'
import { AuthUnavailableError, noteThrown } from '../errors.ts'
import { findErrorCode, ShowableError } from '../redaction.ts'
import { runtimeFetch } from './runtime-fetch.ts'
import type { BodyResult } from './response-body.ts'
import type { Transport, TransportInit, TransportResponse } from '../verifier.ts'
import type { UnavailableReason } from '../types.ts'

type SendInit = Omit<TransportInit, 'redirect'>

/**
 * Sends one request, and follows no redirect. Throws `AuthUnavailableError`, as `timeout` or `unreachable`, without a response,
 * and a `TypeError` for something else in its place. A transport that ignores the signal is cut by the caller's own deadline.
 */
export async function send(
  transport: Transport,
  url: string,
  init: SendInit,
): Promise<TransportResponse> {
  const pending = begin(transport, url, init)
  try {
    return responseOf(await pending, init.signal)
  } catch (error) {
    throw failureToSend(error, init.signal)
  }
}

/** {@link send} for a caller that waits for the response itself, since each promise costs time. */
export function begin(transport: Transport, url: string, init: SendInit): unknown {
  // An error that is thrown here at once is a bug of this `fetch` and no outage, so it is not caught.
  // 'follow' would admit a caller that is redirected to a login page, and repeat the token to another host on a 307.
  // 'error' throws on Workers even without a redirect.
  return transport(url, { ...init, redirect: 'manual' })
}

/** The response that a transport has brought. */
export function responseOf(brought: unknown, signal: AbortSignal): TransportResponse {
  if (signal.aborted) throw new AuthUnavailableError('timeout')
  if (isTransportResponse(brought)) return brought
  throw new ShowableError('"fetch" returned no response')
}

/** The error of a request without a response. */
export function failureToSend(error: unknown, signal: AbortSignal): Error {
  if (error instanceof ShowableError) return error
  return signal.aborted ? new AuthUnavailableError('timeout') : createUnreachable(error)
}

/**
 * Makes the error for a `fetch` that rejected. It holds only the code of the thrown error.
 *
 * @param explanation For another function than `fetch`.
 */
export function createUnreachable(thrown: unknown, explanation?: string): AuthUnavailableError {
  const code = findErrorCode(thrown)
  const details = code === undefined ? {} : { cause: { code } }
  const error = new AuthUnavailableError('unreachable', { ...details, explanation })
  noteThrown(error, thrown)
  return error
}

// By shape: a Response of another realm or of another fetch is not an instance of our class.
function isTransportResponse(value: unknown): value is TransportResponse {
  if (!isRecord(value) || typeof value['status'] !== 'number') return false
  return typeof value['headers'] === 'object' && value['headers'] !== null
}

/** Reads the body of a response that this transport gave. */
export function readAnswer(
  transport: Transport,
  response: TransportResponse,
  signal: AbortSignal,
  maxBytes?: number,
): Promise<BodyResult> {
  // A Response of other code may name a wrong length, and may ignore the signal.
  return transport === runtimeFetch
    ? readResponse(response, signal, maxBytes)
    : readBody(response.body, signal, maxBytes)
}

/** Why there is no verdict, if the body was needed for one. */
export function reasonOf({ state }: BodyResult): UnavailableReason {
  if (state === 'timeout') return 'timeout'
  return state === 'broken' ? 'unreachable' : 'invalid_response'
}

/** The error for a response without a verdict. `details` says more: a cause or an explanation. */
export function unavailable(
  reason: UnavailableReason,
  { status, headers }: TransportResponse,
  details: { readonly cause?: unknown; readonly explanation?: string } = {},
): AuthUnavailableError {
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), Date.now())
  return new AuthUnavailableError(reason, { retryAfterMs, status, ...details })
}
