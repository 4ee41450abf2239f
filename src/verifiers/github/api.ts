import { readName } from '../../core/endpoint/claim-path.ts'
import { parseRetryAfter } from '../../core/endpoint/freshness.ts'
import { AuthUnavailableError } from '../../core/errors.ts'
import { askService, hostOf, warning } from '../ask.ts'
import type { DenyDetail } from '../../core/types.ts'
import type { Transport, Verdict, VerifierRun } from '../../core/verifier.ts'
import type { BodyUse, ServiceAnswer } from '../ask.ts'

/** One question to the API of GitHub. */
export interface GithubQuestion {
  readonly method: 'GET' | 'POST'
  /** From the base URL on. */
  readonly path: string
  readonly authorization: string
  readonly body?: string
  /** The statuses that mean something. */
  readonly expected: Readonly<Record<number, BodyUse>>
  /** `true`: a 403 that says that the account is suspended means something too. */
  readonly expectsSuspension?: true
}

/** Asks GitHub. Throws `AuthUnavailableError` for a status that is not expected, and for a limit of the rate. */
export type AskGithub = (question: GithubQuestion) => Promise<ServiceAnswer>

export type Denial = Extract<Verdict, { outcome: 'deny' }>

// 100 organizations with long descriptions take 150 KB.
const MAX_BYTES = 524_288
const SUSPENDED = /suspended/i
const LIMITED = /rate limit|login attempts exceeded/i

export function createAskGithub(
  baseUrl: string,
  transport: Transport,
  signal: AbortSignal,
  run: VerifierRun,
): AskGithub {
  const host = hostOf(baseUrl)
  const ask: AskGithub = async ({
    path,
    authorization,
    expected,
    expectsSuspension,
    ...question
  }) => {
    const headers = {
      accept: 'application/vnd.github+json',
      authorization,
      // GitHub rejects a request without one.
      'user-agent': 'with-auth',
      'x-github-api-version': '2022-11-28',
      ...(question.body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const answer = await askService(transport, baseUrl + path, {
      ...question,
      headers,
      signal,
      maxBytes: MAX_BYTES,
      expected: { ...expected, 403: 'try_json', 429: 'ignore' },
      answered: run.answered,
    })
    const { status } = answer
    if (isLimited(answer)) throw limited(answer)
    if (expected[status] !== undefined || (expectsSuspension && isSuspension(answer))) return answer
    const explanation = `${host} answered ${status}`
    throw new AuthUnavailableError('service_error', { status, explanation })
  }
  const advise = (status: number): string => {
    const option = status === 401 || status === 403 ? 'allow' : 'baseUrl'
    return `${host} answered ${status}: check "${option}"`
  }
  return (question) => warning(run, advise, ask(question))
}

// GitHub uses 403 too: the header or the message tells it from a lack of rights.
function isLimited({ status, headers, json }: ServiceAnswer): boolean {
  if (status === 429) return true
  if (status !== 403) return false
  if (headers.get('retry-after') !== null || headers.get('x-ratelimit-remaining') === '0')
    return true
  return LIMITED.test(String(readName(json, 'message')))
}

// A proxy or a firewall answers 403 too, and GitHub does for tokens that lack a right. Neither says that a token is inactive.
function isSuspension({ json }: ServiceAnswer): boolean {
  return SUSPENDED.test(String(readName(json, 'message')))
}

function limited({ status, headers }: ServiceAnswer): AuthUnavailableError {
  const now = Date.now()
  const reset = String(headers.get('x-ratelimit-reset'))
  const untilReset = /^\d{1,12}$/.test(reset) ? Math.max(0, Number(reset) * 1000 - now) : undefined
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), now) ?? untilReset
  return new AuthUnavailableError('rate_limited', { retryAfterMs, status })
}

/** The error for an answer that GitHub does not give. */
export function invalid(what: string): AuthUnavailableError {
  return new AuthUnavailableError('invalid_response', { explanation: `GitHub ${what}` })
}

export function deny(detail: DenyDetail): Denial {
  return { outcome: 'deny', detail }
}
