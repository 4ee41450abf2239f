import { createEndpoint } from '../../core/endpoint/endpoint.ts'
import { AuthUnavailableError } from '../../core/errors.ts'
import type { UnavailableReason } from '../../core/types.ts'
import type { ProbeOutcome } from './probe.ts'

/** The sentence about an answer. From the endpoint it repeats only numbers and attribute names: anything else may contain the key. */
export interface Judgment {
  readonly result: 'ok' | 'note' | 'fail' | 'skipped'
  /** The behavior of the endpoint. */
  readonly did: string
  /** The reaction of the wrapper. */
  readonly wrapper: string
  /** Advice for the author of the endpoint. */
  readonly change?: string
}

/** One line of the report. */
export interface Row extends Judgment {
  readonly check: string
}

export interface Obstacle {
  readonly why: string
  readonly change: string
}

export interface Finding {
  readonly outcome: ProbeOutcome
  readonly view: WrapperView
  /** Set if the examination stops here. */
  readonly obstacle?: Obstacle | undefined
}

export function describeOutcome({ status, durationMs, silence }: ProbeOutcome): string {
  const ms = `${Math.round(durationMs)} ms`
  if (silence === undefined) return `${status} in ${ms}`
  if (silence.reason === 'timeout') return `no answer within ${ms}`
  return silence.code === undefined ? 'no answer' : `no answer: ${silence.code}`
}

export function describeView(view: WrapperView): string {
  if (!view.passes) return `rejects: ${view.reason}`
  return view.isNamed ? 'allows, with principal' : 'allows, no principal'
}

/** Whether the endpoint was unavailable. */
export function isOutage({ outcome: { status } }: Finding): boolean {
  return status === 0 || status >= 500 || status === 429
}

/** Whether a row is about an endpoint that was unavailable. */
export function isOutageRow({ did }: Judgment): boolean {
  return /^(?:no answer|5\d\d|429)\b/.test(did)
}

export function isRedirect({ status }: ProbeOutcome): boolean {
  return status >= 300 && status < 400
}

export function skipped(why: string): Judgment {
  return { result: 'skipped', did: why, wrapper: '-' }
}

const NOT_ASKED = 'not asked: '

/** For questions that were not asked, because the examination had stopped. */
export function leftOut(why: string): Judgment {
  return skipped(`${NOT_ASKED}${why}`)
}

export function whyLeftOut({ result, did }: Judgment): string | undefined {
  return result === 'skipped' && did.startsWith(NOT_ASKED) ? did.slice(NOT_ASKED.length) : undefined
}

type WrapperView =
  | { readonly passes: true; readonly isNamed: boolean }
  | { readonly passes: false; readonly reason: UnavailableReason | 'denied' }

/**
 * Replays the answer to the wrapper's own endpoint client. It emits no event: if the endpoint repeated the key as the principal,
 * the event would hold it, because the replayed check has another token.
 */
export async function viewOfWrapper(outcome: ProbeOutcome): Promise<WrapperView> {
  const { status, headers, silence } = outcome
  if (silence !== undefined) return { passes: false, reason: silence.reason }
  const body = outcome.body === undefined ? null : new Response(outcome.body).body
  const ask = createEndpoint({
    url: 'http://127.0.0.1/',
    headers: {},
    identity: 'optional',
    fetch: async () => ({ status, headers, body }),
  })
  const request = { path: '/v1/models', headers: {}, params: {} }
  const question = { token: 'played-back', request }
  try {
    const verdict = await ask(question, new AbortController().signal, { tenant: 'optional' })
    if (verdict.outcome === 'deny') return { passes: false, reason: 'denied' }
    return { passes: true, isNamed: verdict.auth.principal !== undefined }
  } catch (error) {
    if (error instanceof AuthUnavailableError) return { passes: false, reason: error.reason }
    throw error
  }
}
