import { ADVICE } from './advice.ts'
import { findPublic } from './decide.ts'
import { ROWS } from '../../core/response/denial.ts'
import { showFact } from './shown-fact.ts'
import { keyOf } from '../../yaml/values.ts'
import type { Advice } from './advice.ts'
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
export function whyOf(found: Found): string {
  const { subject, decided, rules } = found
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
  return whyDenied(found)
}

function whyDenied(found: Found): string {
  const { subject, decided } = found
  const { event, verdict } = decided
  const { reason = 'denied', detail, cause, endpointStatus } = event ?? {}
  const { resource } = subject.resolved
  if (reason === 'insufficient_scope' && resource !== false) {
    const has = verdict?.outcome === 'allow' ? (verdict.auth.scopes ?? []) : []
    const lacks = resource.require.filter((scope) => !has.includes(scope))
    return `The token lacks the scope ${lacks.join(' ')}. It has ${has.length === 0 ? 'none' : showFact(has)}.`
  }
  if (lacksPrincipal(found)) return 'The service answered 200, and its answer has no "principal".'
  const means = detail && (isOfHeaders(found) ? OF_HEADERS : ADVICE[detail]).means
  // Only the beginning of such a token was read, so its length is not known.
  const more = detail === 'too_long' ? undefined : cause
  const told = [means && inKeys(means), more && `${capital(more)}.`].filter(Boolean).join(' ')
  if (CODES[reason] !== undefined) return [CODES[reason], told].join(' ').trimEnd()
  if (told !== '') return told
  return endpointStatus === undefined
    ? `The code is ${reason}.`
    : `The service answered ${endpointStatus}.`
}

/** Whether an auth endpoint allowed the request without a principal, which the file needs. */
export function lacksPrincipal({ subject, decided, providers }: Found): boolean {
  const { event, warnings } = decided
  const failing = providers.find(({ result }) => result === 'no answer')
  const isEndpoint = failing?.type === 'endpoint' || failing?.type === 'custom'
  const isRequired = failing?.type === 'custom' || subject.resolved.identity === 'required'
  // A warning names the field that is wrong.
  const isSilent = isEndpoint && isRequired && warnings.length === 0
  return isSilent && event?.reason === 'invalid_response' && failing.asked.at(-1)?.status === 200
}

/** The meaning of a denial by what a proxy sent, in place of that of a token. */
export const OF_HEADERS: Advice = {
  means: 'A header of the proxy cannot be read.',
  change: 'Let the proxy send it in another form, or change how it is read.',
  key: 'attributeHeaders',
}

export function isOfHeaders({ decided, providers }: Found): boolean {
  const denying = providers.find(({ result }) => result === 'denied')
  return denying?.type === 'upstream_header' && decided.event?.detail === 'malformed'
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
  if (name === 'proof.addresses') return 'trusted_proxy_cidrs'
  return /^[a-z][a-zA-Z.]+$/.test(name) ? keyOf(name) : name
}
