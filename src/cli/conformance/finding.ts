import { createEndpoint } from '../../core/endpoint/endpoint.ts'
import { AuthUnavailableError } from '../../core/errors.ts'
import { Check } from '../../core/request/check.ts'
import type { UnavailableReason } from '../../core/types.ts'
import type { ProbeAnswer, ProbeOutcome } from './probe.ts'

/** One line of the report. It repeats only numbers and names of attributes from the endpoint, since the rest may be the key. */
export interface Row {
  readonly check: string
  readonly result: 'ok' | 'note' | 'fail' | 'skipped'
  /** What the endpoint did. */
  readonly did: string
  /** What the wrapper makes of it. */
  readonly wrapper: string
  /** What to change in the endpoint. */
  readonly change?: string
}

/** Why an endpoint cannot be examined further. */
export interface Obstacle {
  readonly why: string
  /** The advice below the row. */
  readonly change: string
}

/** What was asked, what came, and what the wrapper makes of it. */
export interface Finding {
  readonly outcome: ProbeOutcome
  readonly view: WrapperView
  /** Set if this was the last question. */
  readonly obstacle?: Obstacle | undefined
}

export function describeOutcome(outcome: ProbeOutcome): string {
  const ms = `${Math.round(outcome.durationMs)} ms`
  if (outcome.kind === 'answer') return `${outcome.status} in ${ms}`
  if (outcome.reason === 'timeout') return `no answer within ${ms}`
  return outcome.code === undefined ? 'no answer' : `no answer: ${outcome.code}`
}

export function describeView(view: WrapperView): string {
  if (!view.passes) return `rejects: ${view.reason}`
  return view.isNamed ? 'allows, with principal' : 'allows, no principal'
}

/** Whether the endpoint neither said yes nor no. */
export function isOutage({ outcome }: Finding): boolean {
  return outcome.kind === 'silence' || outcome.status >= 500 || outcome.status === 429
}

export function isRedirect({ outcome }: Pick<Finding, 'outcome'>): boolean {
  return outcome.kind === 'answer' && outcome.status >= 300 && outcome.status < 400
}

/** Whether the answer is one that the wrapper may keep. */
export function isVerdict({ outcome }: Pick<Finding, 'outcome'>): boolean {
  return outcome.kind === 'answer' && [200, 401, 403].includes(outcome.status)
}

/** A row for what could not be examined. */
export function skipped(check: string, why: string): Row {
  return { check, result: 'skipped', did: why, wrapper: '-' }
}

const NOT_ASKED = 'not asked: '

/** A row for what was not examined, since the questions had ended. */
export function leftOut(check: string, why: string): Row {
  return skipped(check, `${NOT_ASKED}${why}`)
}

/** Why this row is left out, or `undefined`. */
export function whyLeftOut({ result, did }: Row): string | undefined {
  return result === 'skipped' && did.startsWith(NOT_ASKED) ? did.slice(NOT_ASKED.length) : undefined
}

/** What the wrapper makes of an outcome. */
export type WrapperView =
  | { readonly passes: true; readonly isNamed: boolean }
  | { readonly passes: false; readonly reason: UnavailableReason | 'denied' }

/**
 * Plays the answer back to the code that asks endpoints. It makes no event, which could hold the good key: an endpoint may
 * repeat the key as the principal, and the check that is played back has another token.
 */
export async function viewOfWrapper(outcome: ProbeOutcome): Promise<WrapperView> {
  if (outcome.kind === 'silence') return { passes: false, reason: outcome.reason }
  const ask = createEndpoint({
    url: 'http://127.0.0.1/',
    headers: {},
    identity: 'optional',
    fetch: async () => playBack(outcome),
    notify: () => undefined,
  })
  const request = { path: '/v1/models', headers: {}, params: {} }
  const check = new Check('played-back', '', () => ({ token: 'played-back', request }), [])
  try {
    const verdict = await ask(check, new AbortController().signal)
    if (verdict.outcome === 'deny') return { passes: false, reason: 'denied' }
    return { passes: true, isNamed: verdict.auth.principal !== undefined }
  } catch (error) {
    if (error instanceof AuthUnavailableError) return { passes: false, reason: error.reason }
    throw error
  }
}

function playBack({ status, headers, body }: ProbeAnswer) {
  return { status, headers, body: body === undefined ? null : new Response(body).body }
}
