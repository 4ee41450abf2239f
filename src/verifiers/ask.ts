import { createDrain } from '../core/endpoint/response-body.ts'
import { readAnswer, reasonOf, send, unavailable } from '../core/endpoint/send.ts'
import { parseJson } from '../core/endpoint/verdict.ts'
import { AuthUnavailableError } from '../core/errors.ts'
import type { BodyResult } from '../core/endpoint/response-body.ts'
import type { Transport, TransportInit, TransportResponse, VerifierRun } from '../core/verifier.ts'

/**
 * How the body of an expected status is used. `json`: it must be JSON, or there is no verdict. `try_json`: `json` is `undefined`
 * for any other body. `ignore`: the body is not waited for.
 */
export type BodyUse = 'json' | 'try_json' | 'ignore'

export interface ServiceQuestion extends Omit<TransportInit, 'redirect'> {
  /** The statuses that mean something. Any other is `service_error`. By default a 200 with JSON. */
  readonly expected?: Readonly<Record<number, BodyUse>> | undefined
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
const LONGEST_QUOTE = 80

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
  const use = expected[status]
  // A `fetch` that follows redirects against its contract: this response may come from another server.
  if (response.redirected === true) {
    void drain(response.body)
    const explanation = `"fetch" has followed a redirect of ${hostOf(url)}, which it must not`
    throw new AuthUnavailableError('service_error', { explanation })
  }
  if (use === undefined) {
    void drain(response.body)
    const reason = status === 429 ? 'rate_limited' : 'service_error'
    throw unavailable(reason, response, { explanation: `${hostOf(url)} answered ${status}` })
  }
  const answer = { status, headers: response.headers }
  if (use === 'ignore') {
    void drain(response.body)
    return { ...answer, json: undefined }
  }
  const body = await readAnswer(transport, response, init.signal, maxBytes)
  const json = body.state === 'complete' ? parseJson(body.text) : undefined
  if (json !== undefined || use !== 'json') return { ...answer, json }
  const explanation = `${hostOf(url)} answered ${status} with ${nameBody(body, response)}`
  throw new AuthUnavailableError(reasonOf(body), { status, explanation })
}

function nameBody({ state }: BodyResult, { headers }: TransportResponse): string {
  if (state !== 'complete') return BODIES[state]
  const sent = String(headers.get('content-type'))
  const type = /^[\w.+-]{1,40}\/[\w.+-]{1,40}(?=;|$)/.exec(sent)?.[0]
  return type === undefined || type.endsWith('json')
    ? 'a body that is not JSON'
    : `${type} in place of JSON`
}

const BODIES: Readonly<Record<Exclude<BodyResult['state'], 'complete'>, string>> = {
  too_long: 'a body that is too long',
  not_utf8: 'a body that is not UTF-8',
  broken: 'a body that broke off',
  timeout: 'a body that did not end in time',
}

/**
 * Warns of a status that no waiting will change: a URL, a header or a right is wrong.
 *
 * @param advise Makes the warning about a status, for the operator.
 */
export async function warning<Value>(
  { warn }: VerifierRun,
  advise: (status: number) => string,
  pending: Promise<Value>,
): Promise<Value> {
  try {
    return await pending
  } catch (error) {
    const { reason, status = 500 } = error instanceof AuthUnavailableError ? error : {}
    if (reason === 'service_error' && status < 500) warn?.(advise(status))
    throw error
  }
}

/** A value that another server sent, for messages: as JSON, and short. */
export function quote(value: unknown): string {
  return JSON.stringify(
    typeof value === 'string'
      ? value.slice(0, LONGEST_QUOTE)
      : value === undefined
        ? 'nothing'
        : typeof value,
  )
}

/** The host of a URL, for messages: its path and query may be secrets. */
export function hostOf(url: string): string {
  return new URL(url).host
}
