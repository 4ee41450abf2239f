import { failureOf } from './response/failure.ts'
import { createDecisionEvent } from './response/decision-event.ts'
import { isShadow, rememberAdmission, scopesFor, withdrawAdmission } from './response/admission.ts'
import { EXEMPT, exemptionOf } from './response/exemption.ts'
import { NO_TARGET, parseTarget } from './request/target.ts'
import { isPromise } from './async.ts'
import { callWith } from './runtime.ts'
import { createSetupSource } from './setup.ts'
import type { AuthConfigSource } from './auth-config.ts'
import type { AddressOf } from './config/parse.ts'
import type { PendingDecision } from './asking/decision-source.ts'
import type { DenyVerdict } from './endpoint/verdict.ts'
import type { Target } from './request/target.ts'
import type { Admission, KnownAdmission } from './response/admission.ts'
import type { Rejection } from './response/denial.ts'
import type { Failure } from './response/failure.ts'
import type { DecisionFacts } from './response/decision-event.ts'
import type { Setup, Unready } from './setup.ts'
import type { DecisionEvent } from './types.ts'

/** The decision about a request. Only an admitted request may reach the handler. */
export type Decision = Admission | ({ readonly admitted: false } & Rejection)

/** Whether a request with this canonical path came by its own route, with its own parameters. */
export type RouteMatcher = (request: Request, path: string) => boolean

/** Decides about a request. Never throws or rejects. Returns a promise only if the endpoint is asked. */
export type Decide = (
  request: Request,
  args: readonly unknown[],
  isOwnRoute?: RouteMatcher,
) => Decision | Promise<Decision>

export interface Gate {
  readonly decide: Decide
  /** Drops the decisions that are cached for its config, and tells no store. */
  readonly forget: () => void
}

interface Progress extends DecisionFacts {
  readonly setup: Setup | Unready
  readonly args: readonly unknown[]
  target: Target
  /** `true` while `authorize` decides: a failure is then its own, and not that of the endpoint. */
  isAuthorizing?: boolean
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

export type AnyHandler = (this: unknown, request: Request, ...args: unknown[]) => unknown

/** Whether a value is a handler. Throws for a class, which cannot be called. */
export function isHandler(value: unknown): value is AnyHandler {
  if (typeof value !== 'function') return false
  if (!/^class\b/.test(Function.prototype.toString.call(value))) return true
  throw new TypeError('Cannot guard a class: guard an instance, or its fetch method')
}

/** Makes a handler that calls this one for each request that the gate admits. */
export function guardHandler(
  handler: AnyHandler,
  { decide }: Gate,
  isOwnRoute?: RouteMatcher,
): AnyHandler {
  return function guarded(this: unknown, request: Request, ...args: unknown[]): unknown {
    const proceed = (): unknown => callWith(handler, this, request, args)
    return enter(decide(request, args, isOwnRoute), proceed, ({ response }) => response)
  }
}

/** Makes the gate of a config. Throws `AuthConfigError` for one that cannot be used. See `resolveConfig` for `knownAddress`. */
export function createGate<Args extends readonly unknown[]>(
  source: AuthConfigSource<Args> | undefined,
  knownAddress?: AddressOf,
): Gate {
  const setups = createSetupSource(source, knownAddress)
  const decide: Decide = (request, args, isOwnRoute) => {
    const setup = setups.get(args)
    const recalled = isOwnRoute === undefined ? setup.recall?.(request) : undefined
    if (recalled !== undefined) return recalled
    const startedAt = (setup.report ?? setup.authorize) === undefined ? 0 : performance.now()
    const progress: Progress = { setup, request, args, startedAt, target: NO_TARGET }
    try {
      return decideAbout(progress, isOwnRoute)
    } catch (error) {
      return fail(progress, error)
    }
  }
  return { decide, forget: setups.forget }
}

/** The way of one request: its target, the exemptions, its token, the cached decision and, on a miss, the endpoint. */
function decideAbout(progress: Progress, isOwnRoute?: RouteMatcher): Decision | Promise<Decision> {
  const { setup, request, args } = progress
  const target = parseTarget(request.url)
  if (target === undefined) return reject(progress, { reason: 'malformed_request' })
  progress.target = target
  if (setup.guards === undefined) return reject(progress, { reason: 'not_configured' })
  const { resource } = setup.config
  const response = resource === false ? undefined : resource.answer(request, target.path)
  if (response !== undefined) return { admitted: false, reason: 'resource_metadata', response }
  if (isOwnRoute?.(request, target.path) === false)
    return reject(progress, { reason: 'malformed_request' })
  const isUnknown = isOwnRoute === undefined && setup.cameByUnknownRoute?.(request) === true
  if (isUnknown) return reject(progress, { reason: 'not_configured' })
  const exemption = exemptionOf(request, target, setup)
  if (exemption !== undefined) return admit(progress, setup, EXEMPT[exemption], exemption)
  const token = setup.findToken(request.headers)
  if (typeof token !== 'string') return reject(progress, token)
  progress.token = token
  const told = setup.checks.tell(request, target, args)
  const cached = told && setup.decisions.lookUp(token, told.text)
  // The token of a cached decision was asked about, so its form has been checked.
  const problem = cached ? undefined : setup.problemOf(token)
  if (problem !== undefined) {
    delete progress.token // Then an event hides all that may hold a part of it.
    return reject(progress, problem)
  }
  if (told === undefined) return reject(progress, { reason: 'malformed_request' })
  if (cached !== undefined) {
    progress.hit = cached
    return conclude(progress, setup, cached.admitted ? cached : undefined, cached.denial)
  }
  const asked = setup.checks.createCheck(token, told, request, target, args)
  const span = setup.beginSpan?.(progress.startedAt)
  progress.span = span
  const check = span === undefined ? asked : { ...asked, trace: span.context() ?? asked.trace }
  const ask = (): PendingDecision => setup.decisions.ask(check)
  const { facts, pending } = span === undefined ? ask() : span.run(ask)
  progress.facts = facts
  if ('reason' in pending) return fail(progress, pending)
  return wait(progress, pending, (verdict) =>
    verdict.outcome === 'allow'
      ? conclude(progress, setup, { admitted: true, auth: verdict.auth })
      : conclude(progress, setup, undefined, verdict),
  )
}

async function wait<Value>(
  progress: Progress,
  pending: Value | Promise<Value>,
  end: (value: Value) => Decision | Promise<Decision>,
): Promise<Decision> {
  try {
    return await end(await pending)
  } catch (error) {
    return fail(progress, error)
  }
}

/** Ends with what the endpoint decided, now or when the decision was cached, and with what the caller may do. */
function conclude(
  progress: Progress,
  setup: Setup,
  admission: KnownAdmission | undefined,
  denial?: DenyVerdict,
): Decision | Promise<Decision> {
  if (denial?.error !== undefined) return fail(progress, denial.error)
  if (admission === undefined) return reject(progress, { reason: 'denied', ...denial })
  const { request, startedAt, target } = progress
  progress.auth = admission.auth
  const end = (refusal: Failure | undefined): Decision =>
    refusal === undefined ? admit(progress, setup, admission, 'allow') : reject(progress, refusal)
  if (setup.authorize === undefined) return end(undefined)
  const deadline = startedAt + setup.config.timeoutMs
  progress.isAuthorizing = true
  const refusal = setup.authorize({ auth: admission.auth, request, path: target.path, deadline })
  return isPromise(refusal) ? wait(progress, refusal, end) : end(refusal)
}

type Outcome = DecisionEvent['outcome']

function admit(progress: Progress, setup: Setup, admission: Admission, outcome: Outcome): Decision {
  report(progress, outcome)
  return rememberAdmission(progress.request, admission, setup.guards)
}

/** Ends without a decision of the endpoint. Rejects the request, also after a bug. */
function fail(progress: Progress, error: unknown): Decision {
  const failure = failureOf(error, progress.token)
  return reject(progress, { ...failure, isAuthorizing: progress.isAuthorizing })
}

function reject(progress: Progress, failure: Failure): Decision {
  const { setup, request } = progress
  const { guards } = setup
  const { reason, cause } = failure
  const template = setup.denials.create(reason, failure, guards && scopesFor(request, guards))
  report(progress, 'deny', { failure, status: template.denial.status })
  if (guards && isShadow(guards)) return rememberAdmission(request, EXEMPT.shadow, guards)
  if (guards) withdrawAdmission(request, guards)
  setup.alarm?.(failure, progress)
  const response = setup.denials.respond(template, request)
  return { admitted: false, reason, response, ...(cause && { cause }) }
}

function report(
  progress: Progress,
  outcome: Outcome,
  rejection?: { readonly failure: Failure; readonly status: number },
): void {
  const { setup, request } = progress
  if (setup.report === undefined) return
  progress.span ??= setup.beginSpan?.(progress.startedAt)
  const event = createDecisionEvent(progress, outcome, rejection)
  setup.report(event, rejection?.failure.error, request, progress.span)
}
