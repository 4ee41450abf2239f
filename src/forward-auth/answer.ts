import { readBody } from '../core/endpoint/response-body.ts'
import { errorType } from '../core/response/denial.ts'
import { allIdentityFields, identityValues, NO_IDENTITY } from '../gateway/identity-headers.ts'
import { headerLength } from '../verifiers/upstream/header-text.ts'
import { createFailure } from './failure.ts'
import { ERROR_HEADER } from './preset.ts'
import type { Auth } from '../core/types.ts'
import type { ForwardAuthFailure } from './failure.ts'
import type { ResolvedForwardAuth } from './options.ts'

/** The answers to subrequests. */
export interface Answers {
  /** The 200 that lets a request pass, with the identity, or why no header can carry the identity. */
  readonly allow: (auth: Auth | undefined) => Response | ForwardAuthFailure
  /** Adds what the proxy needs to a response: the error of one that rejects, and the end of a connection. Never rejects. */
  readonly finish: (subrequest: Request, response: Response) => Promise<Response>
}

type AnswerOptions = Pick<ResolvedForwardAuth, 'preset' | 'identityHeaders' | 'encoding'>

// nginx keeps all headers of an answer in one buffer.
const MAX_IDENTITY = 8192
const MAX_ERROR = 2048
const READ_MS = 1000

export function createAnswers({ preset, identityHeaders, encoding }: AnswerOptions): Answers {
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
    finish: async (subrequest, response) => {
      // No rejection is a 2xx.
      const error = preset.carriesError && !response.ok ? await errorOf(response) : undefined
      const isLast = hasBody(subrequest)
      if (error === undefined && !isLast) return response
      const headers = new Headers(response.headers)
      if (error !== undefined) headers.set(ERROR_HEADER, error)
      if (isLast) headers.set('connection', 'close')
      const { body, status, statusText } = response
      return new Response(body, { status, statusText, headers })
    },
  }
}

function lengthOf(values: object): number {
  return headerLength(Object.values(values).join(''))
}

/** The body of a rejection, or a general one in place of a body that fits into no header. */
async function errorOf(response: Response): Promise<string> {
  const text = await readText(response.clone())
  if (text !== undefined && /^[ -~]{1,2048}$/.test(text)) return text
  const type = errorType(response.status)
  return JSON.stringify({ error: { message: 'The request was rejected', type, code: 'rejected' } })
}

// `respond` may have made the body, so it may be long, or never end.
async function readText({ body }: Response): Promise<string | undefined> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), READ_MS)
  const result = await readBody(body, controller.signal, MAX_ERROR)
  clearTimeout(timer)
  return result.state === 'complete' ? result.text : undefined
}

// A proxy may announce a body and never send it. Its next subrequest would be read as that body, so the connection ends.
function hasBody({ headers }: Request): boolean {
  return headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'
}
