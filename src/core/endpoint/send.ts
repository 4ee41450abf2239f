import { createUnreachable } from './failure-cause.ts'
import { isRecord } from './verdict.ts'
import { orAborted } from '../async.ts'
import { AuthUnavailableError } from '../errors.ts'
import type { Transport, TransportInit, TransportResponse } from '../auth-config.ts'

/**
 * Sends one request, and follows no redirect. Throws `AuthUnavailableError`, as `timeout` or `unreachable`, without a response,
 * and a `TypeError` for something else in its place.
 */
export async function send(
  transport: Transport,
  url: string,
  init: Omit<TransportInit, 'redirect'>,
): Promise<TransportResponse> {
  const { signal } = init
  // An error that is thrown here at once is a bug of this `fetch` and no outage, so it is not caught.
  const pending = Promise.resolve(
    // 'follow' would admit a caller that is redirected to a login page, and repeat the token to another host on a 307.
    // 'error' throws on Workers even without a redirect.
    transport(url, { ...init, redirect: 'manual' }),
  )
  const response: unknown = await orAborted(pending, signal).catch((error: unknown) => {
    throw signal.aborted ? new AuthUnavailableError('timeout') : createUnreachable(error)
  })
  if (!isTransportResponse(response)) throw new TypeError('"fetch" returned no response')
  return response
}

// By shape: a Response of another realm or of another fetch is not an instance of our class.
function isTransportResponse(value: unknown): value is TransportResponse {
  if (!isRecord(value) || typeof value['status'] !== 'number') return false
  return typeof value['headers'] === 'object' && value['headers'] !== null
}
