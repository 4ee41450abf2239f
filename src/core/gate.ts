import { createDecisionEvent, withoutToken } from './response/decision-event.ts'
import { isDenialReason } from './response/denial.ts'
import { rememberAdmission } from './response/admission.ts'
import { AuthUnavailableError } from './errors.ts'
import { findCause, thrownBehind } from './endpoint/failure-cause.ts'
import { createControls } from './policies/cache/controls.ts'
import { findMisrouting } from './handlers/route-pattern.ts'
import { isPreflight } from './request/credentials.ts'
import { isPlainHost, parseTarget } from './request/target.ts'
import { isPromise } from './async.ts'
import { createSetupSource } from './setup.ts'
import type { AuthConfigSource } from './handlers/config-source.ts'
import type { DenyVerdict, PendingVerdict } from './endpoint/verdict.ts'
import type { AnyHandler } from './handlers/guarded.ts'
import type { RouteMatcher } from './handlers/route-pattern.ts'
import type { Handover } from './policies/handover.ts'
import type { Target } from './request/target.ts'
import type { Admission, Exemption } from './response/admission.ts'
import type { Failure } from './response/alarm.ts'
import type { Progress as DecisionProgress } from './response/decision-event.ts'
import type { Setup, Unready } from './setup.ts'
import type { Auth, DecisionEvent, DenialReason } from './types.ts'
import type { VerdictControls } from './decision-store.ts'

/** A rejected request: the reason, and the response to send. */
export interface Rejection {
  readonly reason: DenialReason
  readonly response: Response
  /** A code for why the endpoint is unavailable, such as `ECONNREFUSED`, if the runtime gives one. */
  readonly cause?: string
}

/** The decision about a request. Only an admitted request may reach the handler. */
export type Decision = Admission | ({ readonly admitted: false } & Rejection)

/** Decides about a request. Never throws or rejects. Returns a promise only if the endpoint is asked. */
export type Decide = (
  request: Request,
  args: readonly unknown[],
  isOwnRoute?: RouteMatcher,
) => Decision | Promise<Decision>

/** Decides about requests, and drops the decisions that it has cached. */
export interface Gate {
  readonly decide: Decide
  readonly controls: VerdictControls
  /** Drops the decisions of this instance, and tells no store. */
  readonly forget: () => void
  /** For the gate that replaces this one. */
  readonly handOver: () => Handover | undefined
}

interface Progress extends DecisionProgress {
  readonly setup: Setup | Unready
  readonly args: readonly unknown[]
}

/** Lets an admitted request proceed and rejects every other. No other line lets a request reach a handler. */
export function enter<Entered, Rejected>(
  decision: Decision | Promise<Decision>,
  proceed: (admission: Admission) => Entered,
  respond: (rejection: Rejection) => Rejected,
): Entered | Rejected | Promise<Awaited<Entered> | Awaited<Rejected>>
export function enter(
  decision: Decision | Promise<Decision>,
  proceed: (admission: Admission) => unknown,
  respond: (rejection: Rejection) => unknown,
): unknown {
  if (isPromise(decision)) return decision.then((made) => enter(made, proceed, respond))
  return decision.admitted ? proceed(decision) : respond(decision)
}

/** Makes a handler that calls this one for each request that the gate admits. */
export function guardHandler(
  handler: AnyHandler,
  { decide }: Gate,
  isOwnRoute?: RouteMatcher,
): AnyHandler {
  return function guarded(this: unknown, request: Request, ...args: unknown[]): unknown {
    const proceed = (): unknown => handler.call(this, request, ...args)
    return enter(decide(request, args, isOwnRoute), proceed, ({ response }) => response)
  }
}

/**
 * Makes the gate of a config. Throws `AuthConfigError` for a config object that cannot be used.
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
    const progress: Progress = { setup, request, args, startedAt }
    try {
      return decideAbout(progress, isOwnRoute)
    } catch (error) {
      return fail(progress, error)
    }
  }
  const { forget, announce, handOver } = setups
  return { decide, controls: createControls(forget, announce), forget, handOver }
}

/** The way of one request: its target, the exemptions, its token, the cached decision and, on a miss, the endpoint. */
function decideAbout(progress: Progress, isOwnRoute?: RouteMatcher): Decision | Promise<Decision> {
  const { setup, request } = progress
  const target = parseTarget(request.url)
  if (target === undefined) return reject(progress, 'malformed_request')
  progress.target = target
  if (!isReady(setup)) return reject(progress, 'not_configured')
  const misrouted = findMisrouting(setup, request, target.path, isOwnRoute)
  if (misrouted !== undefined) return reject(progress, misrouted)
  if (isPublic(setup, request, target)) return exempt(progress, 'public')
  if (setup.config.preflight === 'allow' && isPreflight(request, setup.readCredentials)) {
    return exempt(progress, 'preflight')
  }
  const token = setup.readCredentials(request.headers)
  if (typeof token !== 'string') return reject(progress, token.reason)
  progress.token = token
  const told = setup.checks.tell(request, target, progress.args)
  if (told === undefined) return reject(progress, 'malformed_request')
  const cached = setup.verifier.lookUp(token, told.text)
  if (cached !== undefined) {
    progress.hit = cached
    return conclude(progress, cached.admission, cached.denial)
  }
  const check = setup.checks.createCheck(token, told, request, target, progress.args)
  progress.check = check
  return wait(progress, setup.verifier.ask(check))
}

function isPublic({ config }: Setup, request: Request, { path }: Target): boolean {
  return config.isPublic(path, request.method) && isPlainHost(request.headers.get('host'))
}

async function wait(progress: Progress, pending: PendingVerdict): Promise<Decision> {
  try {
    const verdict = await pending
    return verdict.outcome === 'allow'
      ? conclude(progress, { admitted: true, auth: verdict.auth })
      : conclude(progress, undefined, verdict)
  } catch (error) {
    return fail(progress, error)
  }
}

/** Ends with what the endpoint decided, now or when the decision was cached. */
function conclude(
  progress: Progress,
  admission: Admission | undefined,
  denial?: DenyVerdict,
): Decision {
  if (admission === undefined) {
    return reject(progress, denial?.reason ?? 'denied', { detail: denial?.detail })
  }
  report(progress, { outcome: 'allow' }, undefined, admission.auth)
  return admit(progress, admission)
}

function exempt(progress: Progress, exemption: 'public' | 'preflight'): Decision {
  report(progress, { outcome: exemption })
  return admit(progress, EXEMPT[exemption])
}

/** Ends without a decision of the endpoint. Rejects the request, also after a bug. */
function fail(progress: Progress, error: unknown): Decision {
  if (!(error instanceof AuthUnavailableError) || !isDenialReason(error.reason)) {
    return reject(progress, 'internal_error', { error })
  }
  const { reason, retryAfterMs, status } = error
  const cause = withoutToken(findCause(error), progress.token)
  return reject(progress, reason, { retryAfterMs, status, cause, error: thrownBehind(error) })
}

function reject(progress: Progress, reason: DenialReason, failure: Failure = {}): Decision {
  const { setup, request, check } = progress
  const denial = setup.denials.create(reason, failure.retryAfterMs)
  const { detail } = failure
  const cause = failure.cause === undefined ? {} : { cause: failure.cause }
  const why = detail === undefined ? cause : { ...cause, detail }
  report(progress, { outcome: 'deny', reason, status: denial.status, ...why }, failure.error)
  if (isShadow(setup)) return admit(progress, EXEMPT.shadow)
  setup.alarm?.(reason, failure, check)
  return { admitted: false, reason, response: setup.denials.respond(denial, request), ...cause }
}

// `auth` is an own property: one on Object.prototype must not become the identity of a request.
const EXEMPT: Readonly<Record<Exemption, Admission>> = {
  public: { admitted: true, auth: undefined, exemption: 'public' },
  preflight: { admitted: true, auth: undefined, exemption: 'preflight' },
  shadow: { admitted: true, auth: undefined, exemption: 'shadow' },
}

function admit({ setup, request }: Progress, admission: Admission): Admission {
  return rememberAdmission(request, admission, setup.secretSources)
}

function report(
  progress: Progress,
  decided: Pick<DecisionEvent, 'outcome' | 'reason' | 'status' | 'cause' | 'detail'>,
  error?: unknown,
  auth?: Auth,
): void {
  const { setup, request } = progress
  if (setup.report === undefined) return
  const shown = isShadow(setup) ? ({ ...decided, shadow: true } as const) : decided
  setup.report(createDecisionEvent(progress, shown, auth), error, request)
}

function isShadow(setup: Setup | Unready): boolean {
  return isReady(setup) && setup.config.mode === 'shadow'
}

function isReady(setup: Setup | Unready): setup is Setup {
  return setup.verifier !== undefined
}
