import { createDecisionEvent, withoutToken } from './response/decision-event.ts'
import { isDenialReason } from './response/denial.ts'
import { AuthUnavailableError } from './errors.ts'
import { findCause, thrownBehind } from './endpoint/failure-cause.ts'
import { rememberAdmission } from './response/admission.ts'
import { findMisrouting } from './handlers/misrouting.ts'
import { isPromise } from './async.ts'
import { createSetupSource } from './setup.ts'
import { isPlainHost, parseTarget } from './request/target.ts'
import type { Check } from './request/check.ts'
import type {
  AuthenticationResult,
  Authenticator,
  Decide,
  Decision,
  Exemption,
  Gate,
  VerdictControls,
} from './decision.ts'
import type { Failure } from './response/alarm.ts'
import type { Handover } from './policies/handover.ts'
import type { RouteCheck } from './handlers/route-pattern.ts'
import type { Setup, SetupSource, Unready } from './setup.ts'
import type { Target } from './request/target.ts'
import type { AuthConfig, AuthConfigSource, KnownOptions } from './auth-config.ts'
import type { Auth, DecisionEvent, DenialReason } from './types.ts'
import type { CheckedVerdict } from './endpoint/verdict.ts'

/** One request on its way to a decision. */
interface Passage {
  readonly setup: Setup | Unready
  readonly request: Request
  readonly args: readonly unknown[]
  readonly startedAt: number
  target?: Target
  check?: Check
}

/**
 * Makes a function that decides about requests, for servers that are no Fetch handlers and for middleware.
 *
 * @param config The config, or a synchronous function of the extra arguments, called until it succeeds once.
 * @returns A function whose promise never rejects: the identity, or the reason and the response to send.
 * @throws AuthConfigError for a config that cannot be used.
 *
 * @example
 * ```ts
 * import { createAuthenticator } from 'with-auth'
 *
 * const authenticate = createAuthenticator({ endpoint: 'https://auth.example.com/validate' })
 *
 * export async function whoIs(request: Request): Promise<Response> {
 *   const result = await authenticate(request)
 *   return result.ok ? new Response(result.auth?.principal) : result.response
 * }
 * ```
 */
export function createAuthenticator<
  Args extends readonly unknown[],
  Made extends KnownOptions<Made> = AuthConfig,
>(config?: AuthConfigSource<Args, Made>): Authenticator<Args> {
  const { decide, controls } = createGate(config)
  const authenticate = async (request: Request, ...args: Args): Promise<AuthenticationResult> => {
    const decision = await decide(request, args)
    if (decision.outcome !== 'allow' && decision.outcome !== 'exempt') {
      const { outcome: _, ...rejection } = decision
      return { ok: false, ...rejection }
    }
    return { ok: true, auth: decision.outcome === 'allow' ? decision.auth : undefined }
  }
  return Object.assign(authenticate, controls)
}

/**
 * The whole flow of one request, for what wraps handlers. Throws `AuthConfigError` for a config object.
 *
 * @param handover From the gate that this one replaces: its cached decisions stay if they depend on the same options.
 */
export function createGate<Args extends readonly unknown[]>(
  source: AuthConfigSource<Args> | undefined,
  handover?: Handover,
): Gate {
  const setups = createSetupSource(source, handover)
  const decide: Decide = (request, args, isOwnRoute) => {
    const setup = setups.get(args)
    const startedAt = setup.report === undefined ? 0 : performance.now()
    const passage: Passage = { setup, request, args, startedAt }
    try {
      return judge(passage, isOwnRoute)
    } catch (error) {
      return fail(passage, error)
    }
  }
  const controls = { invalidate: invalidator(setups), clear: () => setups.forget() }
  return { decide, controls, handOver: setups.handOver }
}

function invalidator({ forget }: SetupSource): VerdictControls['invalidate'] {
  return (token) => {
    if (typeof token !== 'string')
      throw new TypeError('Cannot invalidate the token: it is no string')
    forget(token)
  }
}

function judge(passage: Passage, isOwnRoute?: RouteCheck): Decision | Promise<Decision> {
  const { setup, request } = passage
  const target = parseTarget(request.url)
  if (target === undefined) return refuse(passage, 'malformed_request')
  passage.target = target
  if (!isReady(setup)) return refuse(passage, 'not_configured')
  const misrouted = findMisrouting(setup, request, target.path, isOwnRoute)
  if (misrouted !== undefined) return refuse(passage, misrouted)
  if (isPublic(setup, request, target)) return exempt(passage, 'public')
  if (setup.config.preflight === 'allow' && isPreflight(setup, request)) {
    return exempt(passage, 'preflight')
  }
  const token = setup.readCredentials(request.headers)
  if (typeof token !== 'string') return refuse(passage, token.reason)
  const check = setup.createCheck(token, request, target, passage.args)
  if (check === undefined) return refuse(passage, 'malformed_request')
  passage.check = check
  const verdict = setup.verifier.verify(check)
  return isPromise(verdict) ? settle(passage, verdict) : conclude(passage, verdict)
}

function isPublic({ config }: Setup, request: Request, { path }: Target): boolean {
  return config.isPublic(path, request.method) && isPlainHost(request.headers.get('host'))
}

// Fetch standard, CORS-preflight fetch: OPTIONS with these two fields, and never with credentials.
function isPreflight({ readCredentials }: Setup, { method, headers }: Request): boolean {
  if (method !== 'OPTIONS' || !headers.has('origin')) return false
  if (!headers.has('access-control-request-method')) return false
  // No browser asks to upgrade a preflight, and an upgrade that is let through stays open.
  if (headers.has('upgrade')) return false
  if (headers.has('authorization') || headers.has('cookie')) return false
  const credentials = readCredentials(headers)
  return typeof credentials !== 'string' && credentials.reason === 'missing_credentials'
}

async function settle(passage: Passage, pending: Promise<CheckedVerdict>): Promise<Decision> {
  try {
    return conclude(passage, await pending)
  } catch (error) {
    return fail(passage, error)
  }
}

function conclude(passage: Passage, verdict: CheckedVerdict): Decision {
  if (verdict.outcome !== 'allow') return refuse(passage, 'denied')
  const { setup, request } = passage
  report(passage, { outcome: 'allow' }, undefined, verdict.auth)
  const { credentials } = setup
  return rememberAdmission(request, { outcome: 'allow', auth: verdict.auth, credentials })
}

function fail(passage: Passage, error: unknown): Decision {
  if (!(error instanceof AuthUnavailableError) || !isDenialReason(error.reason)) {
    return refuse(passage, 'internal_error', { error })
  }
  const { reason, retryAfterMs, status } = error
  const cause = withoutToken(findCause(error), passage.check?.token)
  const details = { retryAfterMs, status, cause, error: thrownBehind(error) }
  return refuse(passage, reason, details)
}

function exempt(passage: Passage, by: 'public' | 'preflight'): Decision {
  report(passage, { outcome: by })
  return letIn(passage, by)
}

function letIn({ setup, request }: Passage, by: Exemption): Decision {
  return rememberAdmission(request, { outcome: 'exempt', by, credentials: setup.credentials })
}

function refuse(passage: Passage, reason: DenialReason, failure: Failure = {}): Decision {
  const { setup, request, check } = passage
  const denial = setup.denials.describe(reason, failure.retryAfterMs)
  const cause = failure.cause === undefined ? {} : { cause: failure.cause }
  report(passage, { outcome: 'deny', reason, status: denial.status, ...cause }, failure.error)
  if (isShadow(setup)) return letIn(passage, 'shadow')
  setup.alarm?.(reason, failure, check)
  return { outcome: 'deny', reason, response: setup.denials.respond(denial, request), ...cause }
}

function report(
  passage: Passage,
  decided: Pick<DecisionEvent, 'outcome' | 'reason' | 'status' | 'cause'>,
  error?: unknown,
  auth?: Auth,
): void {
  const { setup, request } = passage
  if (setup.report === undefined) return
  const outcome = isShadow(setup) ? ({ ...decided, shadow: true } as const) : decided
  setup.report(createDecisionEvent(passage, outcome, auth), error, request)
}

function isShadow(setup: Setup | Unready): boolean {
  return isReady(setup) && setup.config.mode === 'shadow'
}

function isReady(setup: Setup | Unready): setup is Setup {
  return setup.verifier !== undefined
}
