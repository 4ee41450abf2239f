import { createDecisionEvent, withoutToken } from './response/decision-event.ts'
import { isDenialReason } from './response/denial.ts'
import { AuthUnavailableError } from './errors.ts'
import { findCause, thrownBehind } from './endpoint/failure-cause.ts'
import { rememberAdmission } from './response/admission.ts'
import { isPreflight } from './request/credentials.ts'
import { findMisrouting } from './handlers/misrouting.ts'
import { isPromise } from './async.ts'
import { createSetupSource } from './setup.ts'
import { isPlainHost, parseTarget } from './request/target.ts'
import type { Check } from './request/check.ts'
import type { Failure } from './response/alarm.ts'
import type { Handover } from './policies/handover.ts'
import type { RouteCheck } from './handlers/route-pattern.ts'
import type { Setup, SetupSource, Unready } from './setup.ts'
import type { Target } from './request/target.ts'
import type { AuthConfigSource } from './auth-config.ts'
import type { Auth, DecisionEvent, DenialReason, VerdictControls } from './types.ts'
import type { Admission, Exemption } from './response/admission.ts'
import type { CheckedVerdict } from './endpoint/verdict.ts'

/** A rejected request: the reason, and the response to send. */
export interface Rejection {
  readonly reason: DenialReason
  readonly response: Response
  /** A code for why the endpoint is unavailable, such as `ECONNREFUSED`, if the runtime gives one. */
  readonly cause?: string
}

/** What was decided about a request. Only an admitted one may reach the handler. */
export type Decision = Admission | ({ readonly admitted: false } & Rejection)

/**
 * Decides about a request. Never throws and never rejects; answers at once where the endpoint is not asked. `isOwnRoute` is
 * given where the pattern is known by which a request came.
 */
export type Decide = (
  request: Request,
  args: readonly unknown[],
  isOwnRoute?: RouteCheck,
) => Decision | Promise<Decision>

/** Decides about requests, and drops the decisions that it has cached. */
export interface Gate {
  readonly decide: Decide
  readonly controls: VerdictControls
  /** For the gate that replaces this one. */
  readonly handOver: () => Handover | undefined
}

/** One request on its way to a decision. */
interface Passage {
  readonly setup: Setup | Unready
  readonly request: Request
  readonly args: readonly unknown[]
  readonly startedAt: number
  target?: Target
  token?: string
  isHit?: boolean
  /** On a cache miss. */
  check?: Check
}

/**
 * Lets an admitted request proceed and rejects every other: no other line lets a request reach a handler. Returns a promise
 * only if the decision is one.
 */
export function enter<Entered, Rejected>(
  decision: Decision | Promise<Decision>,
  proceed: (admission: Admission) => Entered,
  reject: (rejection: Rejection) => Rejected,
): Entered | Rejected | Promise<Awaited<Entered> | Awaited<Rejected>>
export function enter(
  decision: Decision | Promise<Decision>,
  proceed: (admission: Admission) => unknown,
  reject: (rejection: Rejection) => unknown,
): unknown {
  if (isPromise(decision)) return decision.then((made) => enter(made, proceed, reject))
  return decision.admitted ? proceed(decision) : reject(decision)
}

/** The response of a rejection, for those who send it as it is. */
export function sendRejection({ response }: Rejection): Response {
  return response
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
      throw new TypeError('Cannot invalidate the token: it is not a string')
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
  if (setup.config.preflight === 'allow' && isPreflight(request, setup.readCredentials)) {
    return exempt(passage, 'preflight')
  }
  const token = setup.readCredentials(request.headers)
  if (typeof token !== 'string') return refuse(passage, token.reason)
  passage.token = token
  const told = setup.checks.tell(request, target)
  if (told === undefined) return refuse(passage, 'malformed_request')
  const cached = setup.verifier.lookUp(token, told.text)
  if (cached !== undefined) {
    passage.isHit = true
    return conclude(passage, cached)
  }
  const check = setup.checks.createCheck(token, told, request, target, passage.args)
  passage.check = check
  return settle(passage, setup.verifier.ask(check))
}

function isPublic({ config }: Setup, request: Request, { path }: Target): boolean {
  return config.isPublic(path, request.method) && isPlainHost(request.headers.get('host'))
}

async function settle(
  passage: Passage,
  pending: CheckedVerdict | Promise<CheckedVerdict>,
): Promise<Decision> {
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
  return rememberAdmission(request, { admitted: true, auth: verdict.auth, credentials })
}

function fail(passage: Passage, error: unknown): Decision {
  if (!(error instanceof AuthUnavailableError) || !isDenialReason(error.reason)) {
    return refuse(passage, 'internal_error', { error })
  }
  const { reason, retryAfterMs, status } = error
  const cause = withoutToken(findCause(error), passage.token)
  const details = { retryAfterMs, status, cause, error: thrownBehind(error) }
  return refuse(passage, reason, details)
}

function exempt(passage: Passage, by: 'public' | 'preflight'): Decision {
  report(passage, { outcome: by })
  return admitWithoutAllow(passage, by)
}

function admitWithoutAllow({ setup, request }: Passage, exemption: Exemption): Decision {
  const { credentials } = setup
  return rememberAdmission(request, { admitted: true, exemption, credentials })
}

function refuse(passage: Passage, reason: DenialReason, failure: Failure = {}): Decision {
  const { setup, request, check } = passage
  const denial = setup.denials.describe(reason, failure.retryAfterMs)
  const cause = failure.cause === undefined ? {} : { cause: failure.cause }
  report(passage, { outcome: 'deny', reason, status: denial.status, ...cause }, failure.error)
  if (isShadow(setup)) return admitWithoutAllow(passage, 'shadow')
  setup.alarm?.(reason, failure, check)
  return { admitted: false, reason, response: setup.denials.respond(denial, request), ...cause }
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
