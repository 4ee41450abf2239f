import { kindOf, ShowableError } from '../redaction.ts'
import type { Failure } from './failure.ts'
import type { Channel } from './events.ts'
import { createLimit } from '../limit.ts'
import { isPreflight } from './exemption.ts'
import type { CheckFacts } from '../request/check.ts'
import type { CredentialsReader } from '../request/credentials.ts'
import type { Target } from '../request/target.ts'
import type { DenialReason } from '../types.ts'

/** The request that is rejected. */
interface RejectedRequest {
  readonly request: Request
  readonly target: Target
  readonly facts?: CheckFacts
}

/** Tells the operator of a rejection that a failure or a mistake has caused. */
export type Alarm = (failure: Failure, about: RejectedRequest) => void

/**
 * The reasons that are failures of the endpoint or of the connection to it. As a rule they reject every request, but one
 * caller can cause some of them: by a token for which the endpoint names no principal, or by a path that makes it fail.
 */
const SENTENCES: Partial<
  Readonly<Record<DenialReason, (failure: Failure, isHook: boolean) => string>>
> = {
  unreachable: ({ cause, error }) =>
    `is unreachable${nameOf(cause, error)}: requests are rejected. ${adviceOn(cause ?? kindOf(error))}`,
  timeout: () => 'gives no verdict within "timeoutMs": requests are rejected. Is it overloaded?',
  service_error: ({ status, cause }) =>
    cause === 'ENDPOINT_SECRET'
      ? SECRET
      : `answers ${typeof status === 'number' ? status : 'with an error'}: requests are rejected. Check its log`,
  invalid_response: (_failure, isHook) =>
    isHook
      ? 'gave an answer that cannot be used: the request was rejected'
      : 'answered 200 without a principal in the first 64 KiB, which "identity" requires: the request was rejected. Let it name one, or leave "identity" out',
  circuit_open: () => 'failed too often and is not asked for a while: requests are rejected',
}

const SECRET =
  'requires the header x-auth-secret: requests are rejected. Send its secret by "endpointHeaders"'

/** The advice for a cause, or for the class of an error without one. The first pattern that fits counts. */
const ADVICE: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/^ECONNREFUSED$/, 'Is it running?'],
  [/^(?:ENOTFOUND|EAI_)/, 'Is its name right?'],
  [
    /^CERT_UNREADABLE$/,
    'Let "ca", "cert" and "key" of nodeTransport, or the file of "tls_cafile", hold PEM, and let "key" belong to "cert"',
  ],
  [/CERT|SIGNATURE/, 'Is its certificate trusted?'],
  [/SSL|TLS|EPROTO/, 'Does it speak TLS?'],
  [
    /^UND_ERR_(?:CLOSED|DESTROYED)$/,
    'The program has closed its nodeTransport() or "dispatcher": let it do that last',
  ],
  [/^REDIRECTED$/, 'Let "dispatcher" follow no redirect'],
  [/^BAD_PORT$/, '"fetch" blocks its port: serve it on another one, such as 8080'],
  [/^NotCapable$/, 'Permit the connection: on Deno, --allow-net'],
]

/**
 * Makes the line for the console about a failure of the endpoint, of the connection to it or of our code. `endpoint` is absent
 * if a verifier takes its place.
 */
export function createSentence(
  endpoint: string | undefined,
): (failure: Failure, facts: CheckFacts | undefined) => string | undefined {
  // Its path and query may be secrets.
  const asked =
    endpoint === undefined
      ? 'the service behind "verifier"'
      : `the auth endpoint ${new URL(endpoint).origin}`
  const hook = endpoint === undefined ? '"verifier"' : '"fetch"'
  return (failure, facts) => {
    const { reason, explanation, cause, isAuthorizing = false } = failure
    if (reason === 'internal_error') return sentenceOfBug(failure, facts, hook)
    const sentence = SENTENCES[reason]
    if (sentence === undefined) return undefined
    if (explanation !== undefined) {
      return `requests are rejected: ${explanation}${nameOf(cause, undefined)}`
    }
    const subject = isAuthorizing ? 'the service behind "authorize"' : asked
    return `${subject} ${sentence(failure, isAuthorizing || endpoint === undefined)}`
  }
}

function sentenceOfBug(failure: Failure, facts: CheckFacts | undefined, hook: string): string {
  const message = ShowableError.messageOf(failure.error)
  if (message !== undefined) return `a request was rejected: ${message}`
  const failed = nameFailed(failure, facts, hook)
  // Without its own message, which may hold the token.
  const kind = kindOf(failure.error)
  return `${failed} ${kind}: requests are rejected. To see the error, read event.error in "onEvent"`
}

function nameFailed(failure: Failure, facts: CheckFacts | undefined, hook: string): string {
  if (failure.isAuthorizing === true) return '"authorize" threw'
  return facts === undefined || facts.attempts === 0 ? 'a check failed with' : `${hook} threw`
}

// A `verifier` that throws `AuthUnavailableError` itself has no other error behind it.
function nameOf(cause: string | undefined, error: unknown): string {
  return cause === undefined && error === undefined ? '' : ` (${cause ?? kindOf(error)})`
}

function adviceOn(cause: string): string {
  const advice = ADVICE.find(([pattern]) => pattern.test(cause))
  return advice?.[1] ?? 'Is it running, and is its URL right?'
}

const PREFLIGHT =
  'a CORS preflight was rejected, since it carries no token: browsers cannot call this server from other origins. Answer preflights before this guard, or set "preflight" to "allow"'
const TOKEN_PARAM = /(?:^|&)(access_token|api[_-]?key|auth_token|authorization|token|key)=[^&]/i

interface AlarmOptions extends Channel {
  readonly config: { readonly preflight: 'deny' | 'allow' }
  readonly readCredentials: CredentialsReader
}

/** Makes the alarm of a guard. With an observer, which gets each decision, it only hints at mistakes, each once. */
export function createAlarm(
  { config, readCredentials, notify, report, writeLine }: AlarmOptions,
  endpoint: string | undefined,
): Alarm {
  const sentenceOf = createSentence(endpoint)
  const isFirst = createLimit(3, Infinity)
  const hint = (mistake: string, message: string): void => {
    if (isFirst(mistake)) notify({ type: 'warning', message })
  }
  return (failure, { request, target, facts }) => {
    const line = report === undefined ? sentenceOf(failure, facts) : undefined
    if (line !== undefined) writeLine(line)
    const { reason, explanation } = failure
    if (reason === 'malformed_credentials' && explanation !== undefined) {
      hint(
        'length',
        `a request was rejected: ${explanation}. Let the issuer put less into its tokens, such as fewer roles`,
      )
    }
    if (reason !== 'missing_credentials') return
    if (config.preflight === 'deny' && isPreflight(request, readCredentials)) {
      hint('preflight', PREFLIGHT)
    }
    const name = TOKEN_PARAM.exec(target.query)?.[1]
    if (name === undefined) return
    hint(
      'query',
      `a request without a token was rejected, and its URL has the parameter "${name.toLowerCase()}": a token is never read from a URL, which logs keep. Send it as "Authorization: Bearer", or as "credentials" says`,
    )
  }
}

const UNKNOWN_ROUTE =
  'A request came through the "routes" of Bun.serve. Bun matches the path as it was sent, so this wrapper cannot know which route runs: guard the routes with withAuthRoutes of with-auth/bun'

/** Whether a request came by a route of Bun, so that it is not known which one. */
export type RouteCheck = (request: Request) => boolean

/** Makes a check that reports the first such request: each one is rejected, and its decision is reported. */
export function createRouteCheck(notify: Channel['notify']): RouteCheck {
  const isFirst = createLimit(1, Infinity)
  return (request) => {
    // Bun's requests inherit `params`. A router that sets its own on a Request, as itty-router does, has matched `request.url`.
    if (!('params' in request)) return false
    if (!('params' in (Object.getPrototypeOf(request) as object))) return false
    if (isFirst(UNKNOWN_ROUTE)) notify({ type: 'config_error', message: UNKNOWN_ROUTE })
    return true
  }
}
