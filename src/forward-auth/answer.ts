import { readBody } from '../core/endpoint/response-body.ts'
import { errorType } from '../core/response/denial.ts'
import { allIdentityFields, identityValues, NO_IDENTITY } from '../gateway/identity-headers.ts'
import { headerLength } from '../verifiers/upstream/header-text.ts'
import { createFailure, createFailureResponse } from './failure.ts'
import { ERROR_HEADER } from './preset.ts'
import type { Auth } from '../core/types.ts'
import type { ForwardAuthFailure } from './failure.ts'
import type { ResolvedForwardAuth } from './options.ts'

/** The answers to subrequests. */
export interface Answers {
  /** The 200 that lets a request pass, with the identity, or why no header can carry the identity. */
  readonly allow: (auth: Auth | undefined) => Response | ForwardAuthFailure
  /** Prepares the response of a guard that rejects. Never rejects. */
  readonly deny: (response: Response) => Promise<Response>
  /** The response for a subrequest that is rejected in place of the guard. */
  readonly fail: (failure: ForwardAuthFailure) => Promise<Response>
}

type AnswerOptions = Pick<ResolvedForwardAuth, 'preset' | 'identityHeaders' | 'encoding'>

// nginx keeps all headers of an answer in one buffer.
const MAX_IDENTITY = 8192
const MAX_ERROR = 2048
const READ_MS = 1000

export function createAnswers({ preset, identityHeaders, encoding }: AnswerOptions): Answers {
  const deny = async (response: Response): Promise<Response> =>
    preset.carriesError ? withError(response) : response
  return {
    allow: (auth) => {
      const values =
        auth === undefined ? NO_IDENTITY : identityValues(auth, identityHeaders, encoding)
      if (values === undefined || lengthOf(values) > MAX_IDENTITY) {
        const names = Object.values(identityHeaders).filter((name) => name !== undefined)
        return createFailure('identity_not_forwardable', names)
      }
      const headers = new Headers({ 'cache-control': 'no-store', 'content-length': '0' })
      // Always all of them: some proxies keep the client's own in place of a missing one (GHSA-7r4p-vjf4-gxv4).
      const sent = { ...values, attributes: values.attributes || '{}' }
      for (const field of allIdentityFields(sent, identityHeaders)) headers.set(...field)
      return new Response(null, { headers })
    },
    deny,
    fail: (failure) => deny(createFailureResponse(failure)),
  }
}

function lengthOf(values: object): number {
  return headerLength(Object.values(values).join(''))
}

async function withError(response: Response): Promise<Response> {
  const { status, statusText } = response
  const text = await readText(response.clone())
  const isPrintable = text !== undefined && /^[ -~]{1,2048}$/.test(text)
  const headers = new Headers(response.headers)
  headers.set(ERROR_HEADER, isPrintable ? text : genericBody(status))
  return new Response(response.body, { status, statusText, headers })
}

function genericBody(status: number): string {
  const error = { message: 'The request was rejected', type: errorType(status), code: 'rejected' }
  return JSON.stringify({ error })
}

// `respond` may have made the body, so it may be long, or never end.
async function readText({ body }: Response): Promise<string | undefined> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), READ_MS)
  const result = await readBody(body, controller.signal, MAX_ERROR)
  clearTimeout(timer)
  return result.state === 'complete' ? result.text : undefined
}

/**
 * Asks for the end of the connection after a subrequest with a body, which a proxy may announce and never send. Its next subrequest
 * would be read as that body.
 */
export function endAfterBody({ headers }: Request, response: Response): Response {
  const hasBody = headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'
  if (!hasBody) return response
  const { body, status, statusText } = response
  const last = new Headers(response.headers)
  last.set('connection', 'close')
  return new Response(body, { status, statusText, headers: last })
}
