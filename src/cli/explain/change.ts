import { ADVICE } from './advice.ts'
import { at, inKeys, inPlace, isUndecided } from './why.ts'
import { pathOf } from './providers.ts'
import type { DenialReason } from '../../core/types.ts'
import type { Advice } from './advice.ts'
import type { Decided } from './decide.ts'
import type { Found } from './why.ts'
import type { ProviderTrace } from './providers.ts'

/** By the code of the rejection. */
const ON_CODE: Readonly<Record<DenialReason, string>> = {
  missing_credentials: 'Let the client send its token where the message says.',
  malformed_credentials: 'Look for a comma in the token, or for two tokens that differ.',
  denied: 'The log of the service says why.',
  forbidden: 'Give the caller the role, or correct the rule.',
  insufficient_scope: 'Let the client log in again, and ask for the scopes that it lacks.',
  rate_limited:
    'Ask less often: switch on `cache`. Or raise the limit of the service for this server.',
  service_error: 'Look at the log of the service.',
  timeout: 'Find out why the service is slow. A firewall that drops packets looks the same.',
  unreachable: 'Is the service running, and does this machine reach it?',
  invalid_response: 'Does the URL lead to the right service?',
  circuit_open: 'The circuit closes by itself once the service answers.',
  overloaded: 'Try again in a minute: no fetch is left for keys that nobody knows.',
  internal_error: 'This is a mistake in with-auth. Please report it.',
  malformed_request:
    'Let the client send the path without anything that two servers read in two ways.',
  not_configured: 'Say in the file how callers are checked.',
}

const UNKNOWN_AUTHORITY =
  'The authority of the certificate is not known: name it by `tlsCafile`, or by the variable NODE_EXTRA_CA_CERTS.'

/** By the code of an error of the network. */
const ON_CAUSE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'No server listens on this host and port: is it running, and is the port right?',
  ENOTFOUND: 'The host name does not resolve: is it right?',
  BAD_PORT: 'No fetch asks this port: serve the service on another one.',
  EAI_AGAIN: 'The host name does not resolve: is there a name server?',
  UND_ERR_CONNECT_TIMEOUT: 'There was no connection in time: a firewall, or a wrong address.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'The URL says https, and the port speaks http.',
  EPROTO: 'The URL says https, and the port speaks http.',
  CERT_HAS_EXPIRED: 'Renew the certificate of the service.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate is for another host name.',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  CERT_UNTRUSTED: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
}

/** The change for a missing answer. */
function adviceOnCause(reason: DenialReason, cause: string | undefined): string {
  const known = cause !== undefined && Object.hasOwn(ON_CAUSE, cause) ? ON_CAUSE[cause] : undefined
  return known ?? ON_CODE[reason]
}

/** Says what to change so that the request passes, and where. */
export function changesFor(found: Found): readonly string[] {
  const { subject, decided } = found
  const { event } = decided
  const { reason, detail } = event ?? {}
  if (decided.response === undefined || reason === undefined) return []
  if (reason === 'forbidden' && detail === undefined) return changesOfRules(found)
  if (isUndecided(reason)) return changesOnOutage(reason, found)
  if (detail !== undefined)
    return changesOnDetail(ADVICE[isCutKey(found) ? 'unknown' : detail], found)
  const place = reason === 'insufficient_scope' ? at(subject, ['resource', 'require']) : ''
  return [end(ON_CODE[reason], place)]
}

/** A key of `with-auth keys` that was cut off needs other advice than a token of an issuer. */
function isCutKey({ providers, decided }: Found): boolean {
  const denying = providers.find(({ result }) => result === 'denied')
  return denying?.type === 'api_keys' && decided.event?.detail === 'malformed'
}

/** A warning says more about the settings than the code does. */
function changesOnOutage(
  reason: DenialReason,
  { subject, decided, providers }: Found,
): readonly string[] {
  const { warnings, event } = decided
  if (warnings.length > 0) return warnings
  const failing = providers.find(({ result }) => result === 'no answer')
  const place = failing === undefined ? '' : at(subject, pathOf(failing.key))
  return [end(adviceOnCause(reason, event?.cause), place)]
}

/** A sentence, with the place of what it is about before its last full stop. */
function end(sentence: string, place: string): string {
  return `${inKeys(sentence).replace(/\.$/, '')}${place}.`.replace(/\?\.$/, '?')
}

/** The rules that would have permitted the request to another caller. */
function changesOfRules({ rules }: Found): readonly string[] {
  const nearly = rules.filter(({ says, misfit }) => {
    return says.startsWith('permit') && misfit?.startsWith('the caller has') === true
  })
  if (nearly.length === 0) return [ON_CODE.forbidden]
  return nearly.map(({ rule, place, says, misfit }) => {
    return `Rule ${rule} would permit it${inPlace(place)}: ${says}. But ${misfit}.`
  })
}

function changesOnDetail(
  advice: Advice,
  { subject, decided, providers }: Found,
): readonly string[] {
  const denying = providers.find(({ result }) => result === 'denied')
  const isCluster = denying?.type === 'kubernetes' && advice.key === 'audience'
  const key = isCluster ? 'audiences' : advice.key
  const place = denying && key !== undefined ? at(subject, [...pathOf(denying.key), key]) : ''
  const servers = serversOf(denying, decided)
  const hints = servers.flatMap(([name, column]) => {
    const hint = advice[column]
    return hint === undefined ? [] : [`${name}: ${inKeys(hint)}`]
  })
  const change = isCluster ? advice.change.replace('`audience`', '`audiences`') : advice.change
  return [end(change, place), ...hints]
}

type Column = 'keycloak' | 'hydra' | 'kubernetes'
const SERVERS: readonly (readonly [string, Column])[] = [
  ['With Keycloak', 'keycloak'],
  ['With Hydra', 'hydra'],
]

/** The servers that the token may be of. Keycloak has an issuer of its own form. */
function serversOf(
  trace: ProviderTrace | undefined,
  { event }: Decided,
): readonly (readonly [string, Column])[] {
  if (trace?.type === 'kubernetes') return [['Kubernetes', 'kubernetes']]
  if (trace?.type !== 'oauth2_token' || event === undefined) return []
  const texts = [
    ...trace.asked.map(({ url }) => url),
    ...(trace.claims ?? []).map(({ says }) => says),
  ]
  return texts.some((text) => text.includes('/realms/')) ? SERVERS.slice(0, 1) : SERVERS
}
