import { ADVICE } from './advice.ts'
import { findPublic } from './decide.ts'
import { ROWS } from '../../core/response/denial.ts'
import { showFact } from './shown-fact.ts'
import { keyOf } from '../../yaml/values.ts'
import type { DenialReason } from '../../core/types.ts'
import type { Decided } from './decide.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { ProviderTrace } from './providers.ts'
import type { RuleTrace } from './rules.ts'
import type { Subject } from './subject.ts'

/** Everything that is known about a decision. */
export interface Found {
  readonly subject: Subject
  readonly decided: Decided
  readonly providers: readonly ProviderTrace[]
  readonly rules: readonly RuleTrace[]
  readonly token: string
}

/** Says in a sentence or two why a request ended as it did. */
export function whyOf({ subject, decided, rules }: Found): string {
  const { event } = decided
  if (event === undefined) return 'It asks for the metadata of the resource. Nothing was asked.'
  if (event.outcome === 'public') return `${publicAt(subject, decided)}. Nothing was asked.`
  if (event.outcome === 'preflight') {
    return `It is a CORS preflight, which "preflight" lets pass${at(subject, ['preflight'])}. Nothing was asked.`
  }
  const deciding = rules.find(({ decides }) => decides)
  const rule =
    deciding && `Rule ${deciding.rule} decides${inPlace(deciding.place)}: ${deciding.says}`
  if (event.outcome === 'allow') return rule ?? 'The token is good.'
  if (event.reason === 'forbidden' && event.detail === undefined) {
    return rule ?? 'No rule permits it, and what no rule permits is forbidden.'
  }
  return whyDenied(subject, decided)
}

function whyDenied({ resolved }: Subject, { event, verdict }: Decided): string {
  const { reason = 'denied', detail, cause, endpointStatus } = event ?? {}
  const { resource } = resolved
  if (reason === 'insufficient_scope' && resource !== false) {
    const has = verdict?.outcome === 'allow' ? (verdict.auth.scopes ?? []) : []
    const lacks = resource.require.filter((scope) => !has.includes(scope))
    return `The token lacks the scope ${lacks.join(' ')}. It has ${has.length === 0 ? 'none' : showFact(has)}.`
  }
  const means = detail && ADVICE[detail].means
  // Only the beginning of such a token was read, so its length is not known.
  const more = detail === 'too_long' ? undefined : cause
  const told = [means && inKeys(means), more && `${capital(more)}.`].filter(Boolean).join(' ')
  if (CODES[reason] !== undefined) return [CODES[reason], told].join(' ').trimEnd()
  if (told !== '') return told
  return endpointStatus === undefined
    ? `The code is ${reason}.`
    : `The service answered ${endpointStatus}.`
}

const CODES: Partial<Record<DenialReason, string>> = {
  missing_credentials: 'The request has no token.',
  timeout: 'The service did not answer in time.',
  unreachable: 'The service cannot be reached.',
}

function publicAt(subject: Subject, decided: Decided): string {
  const index = findPublic(subject, decided)
  const pattern = subject.resolved.public[index]?.path ?? ''
  return `"${pattern}" is public${at(subject, ['public', index])}`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Whether a rejection with this code says nothing about the caller. */
export function isUndecided(reason: DenialReason): boolean {
  const isOutage = ROWS[reason].outage !== undefined
  return isOutage || reason === 'internal_error' || reason === 'not_configured'
}

/** The place of an option, to end a sentence with. */
export function at({ places }: Subject, path: OptionPath): string {
  return inPlace(places.of(path))
}

export function inPlace(place: string | undefined): string {
  return place === undefined ? '' : ` (${place})`
}

/** A sentence with keys of the file in place of options, which stand in backticks. */
export function inKeys(text: string): string {
  return text.replace(/`([^`"]+)`/g, (_, name: string) => `"${nameOf(name)}"`).replaceAll('`', '')
}

function nameOf(name: string): string {
  return /^[a-z][a-zA-Z.]+$/.test(name) ? keyOf(name) : name
}
