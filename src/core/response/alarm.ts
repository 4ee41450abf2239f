import { kindOf, ShowableError } from '../request/shown-facts.ts'
import type { Failure } from './failure.ts'
import type { Channel, WriteLine } from './events.ts'
import { isPreflight } from '../request/preflight.ts'
import type { CheckFacts } from '../request/check.ts'
import type { CredentialsReader } from '../request/credentials.ts'
import type { Target } from '../request/target.ts'
import type { DenialReason } from '../types.ts'

/** Writes to the console why a request is rejected, if the endpoint, the connection to it or our code failed. */
export type Alarm<About = Rejected> = (failure: Failure, about: About) => void

interface Rejected {
  readonly facts?: CheckFacts
}

/** The request that is rejected. */
export interface RejectedRequest extends Rejected {
  readonly request: Request
  readonly target: Target
}

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

/** For a wrapper without an observer. `endpoint` is absent if a verifier takes its place. */
export function createAlarm(endpoint: string | undefined, writeLine: WriteLine): Alarm {
  const isVerifier = endpoint === undefined
  // Its path and query may be secrets.
  const asked = isVerifier
    ? 'the service behind "verifier"'
    : `the auth endpoint ${new URL(endpoint).origin}`
  const hook = isVerifier ? '"verifier"' : '"fetch"'
  return (failure, { facts }) => {
    const { reason } = failure
    const sentence = SENTENCES[reason]
    const subject = failure.isAuthorizing === true ? 'the service behind "authorize"' : asked
    if (sentence !== undefined) {
      const said = `${subject} ${sentence(failure, subject !== asked || isVerifier)}`
      const { explanation } = failure
      writeLine(
        explanation === undefined
          ? said
          : `requests are rejected: ${explanation}${nameOf(failure.cause, undefined)}`,
      )
    }
    if (reason !== 'internal_error') return
    const message = ShowableError.messageOf(failure.error)
    if (message !== undefined) return writeLine(`a request was rejected: ${message}`)
    const failed = nameFailed(failure, facts, hook)
    // Without its own message, which may hold the token.
    const kind = kindOf(failure.error)
    writeLine(
      `${failed} ${kind}: requests are rejected. To see the error, read event.error in "onEvent"`,
    )
  }
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

interface Hinting {
  readonly config: { readonly preflight: 'deny' | 'allow' }
  readonly readCredentials: CredentialsReader
  readonly notify: Channel['notify']
}

/** Adds what a request without a token, or with one that is too long, shows about its client, each once: it may be so for all. */
export function withHints(
  { config, readCredentials, notify }: Hinting,
  alarm: Alarm | undefined,
): Alarm<RejectedRequest> {
  const told = new Set<string>()
  const hint = (name: string, message: string): void => {
    told.add(name)
    notify({ type: 'warning', message })
  }
  const hintAt = (request: Request, query: string): void => {
    const isDenied = config.preflight === 'deny' && !told.has('preflight')
    if (isDenied && isPreflight(request, readCredentials)) hint('preflight', PREFLIGHT)
    const name = told.has('query') ? undefined : TOKEN_PARAM.exec(query)?.[1]
    if (name !== undefined) hint('query', tokenInUrl(name.toLowerCase()))
  }
  return (failure, about) => {
    alarm?.(failure, about)
    const { reason, explanation } = failure
    if (reason === 'missing_credentials') hintAt(about.request, about.target.query)
    if (reason !== 'malformed_credentials' || explanation === undefined) return
    if (!told.has('length')) hint('length', tooLong(explanation))
  }
}

function tokenInUrl(name: string): string {
  return `a request without a token was rejected, and its URL has the parameter "${name}": a token is never read from a URL, which logs keep. Send it as "Authorization: Bearer", or as "credentials" says`
}

function tooLong(explanation: string): string {
  return `a request was rejected: ${explanation}. Let the issuer put less into its tokens, such as fewer roles`
}

const UNKNOWN_ROUTE =
  'A request came through the "routes" of Bun.serve. Bun matches the path as it was sent, so this wrapper cannot know which route runs: guard the routes with withAuthRoutes of with-auth/bun'

/** Whether a request came by a route of Bun, so that it is not known which one. */
export type RouteCheck = (request: Request) => boolean

/** Makes a check that reports the first such request: each one is rejected, and its decision is reported. */
export function createRouteCheck(notify: Channel['notify']): RouteCheck {
  let isReported = false
  return (request) => {
    // Bun's requests inherit `params`. A router that sets its own on a Request, as itty-router does, has matched `request.url`.
    if (!('params' in request)) return false
    if (!('params' in (Object.getPrototypeOf(request) as object))) return false
    if (!isReported) notify({ type: 'config_error', message: UNKNOWN_ROUTE })
    return (isReported = true)
  }
}
