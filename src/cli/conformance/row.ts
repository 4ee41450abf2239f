import type { ProbeOutcome } from './probe.ts'
import type { WrapperView } from './wrapper-view.ts'

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

/** What was asked, what came, and what the wrapper makes of it. */
export interface Finding {
  readonly outcome: ProbeOutcome
  readonly view: WrapperView
}

export function describeOutcome(outcome: ProbeOutcome): string {
  const ms = `${Math.round(outcome.durationMs)} ms`
  if (outcome.kind === 'answer') return `${outcome.status} in ${ms}`
  return outcome.reason === 'timeout' ? `no answer within ${ms}` : 'gave no answer'
}

export function describeView(view: WrapperView): string {
  if (!view.passes) return `refuses: ${view.reason}`
  return view.isNamed ? 'lets in, by name' : 'lets in, as nobody'
}

/** Whether the endpoint neither said yes nor no. */
export function isOutage({ outcome }: Finding): boolean {
  return outcome.kind === 'silence' || outcome.status >= 500 || outcome.status === 429
}

export function isRedirect({ outcome }: Finding): boolean {
  return outcome.kind === 'answer' && outcome.status >= 300 && outcome.status < 400
}

/** A row for what could not be examined. */
export function skipped(check: string, why: string): Row {
  return { check, result: 'skipped', did: why, wrapper: '-' }
}
