import { isRecord, readName } from '../../core/endpoint/claim-path.ts'
import { readUnverifiedPart } from '../../jwt/token-header.ts'
import { ADVICE } from './advice.ts'
import { at, inKeys, inPlace, isOfHeaders, isUndecided, lacksPrincipal, OF_HEADERS } from './why.ts'
import { pathOf } from './providers.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { DenialReason } from '../../core/types.ts'
import type { Advice } from './advice.ts'
import type { Found } from './why.ts'
import type { ProviderTrace } from './providers.ts'
import type { Subject } from './subject.ts'

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

/** By the status of a denial, where it is not about the token. */
function adviceOnStatus(status = 401): string {
  if (status < 300) return 'Let the endpoint answer exactly 200.'
  if (status < 400) return 'The endpoint redirects, often from http to https: set the new URL.'
  if (status === 404 || status === 405) return 'The endpoint has another path or port.'
  if (status === 400 || status === 422) return 'The endpoint expects another body.'
  return ON_CODE.denied
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
export function adviceOnCause(reason: DenialReason, cause: string | undefined): string {
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
  if (isOfHeaders(found)) return changesOnDetail(OF_HEADERS, found)
  if (detail !== undefined)
    return changesOnDetail(ADVICE[isCutKey(found) ? 'unknown' : detail], found)
  if (reason === 'denied') return changesOnStatus(found)
  const place = reason === 'insufficient_scope' ? at(subject, ['resource', 'require']) : ''
  return [end(ON_CODE[reason], place)]
}

function changesOnStatus({ subject, decided, providers }: Found): readonly string[] {
  const denying = providers.find(({ result }) => result === 'denied')
  return [end(adviceOnStatus(decided.event?.endpointStatus), placeOfAsked(subject, denying))]
}

/** The place of a provider. An auth endpoint has no section of its own. */
function placeOfAsked(subject: Subject, trace: ProviderTrace | undefined): string {
  const path = pathOf(trace?.key ?? '')
  return at(subject, path.length === 0 ? ['endpoint'] : path)
}

/** A key of `with-auth keys` that was cut off needs other advice than a token of an issuer. */
function isCutKey({ providers, decided }: Found): boolean {
  const denying = providers.find(({ result }) => result === 'denied')
  return denying?.type === 'api_keys' && decided.event?.detail === 'malformed'
}

/** A warning says more about the settings than the code does. */
function changesOnOutage(reason: DenialReason, found: Found): readonly string[] {
  const { subject, decided, providers } = found
  const { warnings, event } = decided
  if (warnings.length > 0) return warnings
  if (lacksPrincipal(found)) return changesOnPrincipal(found)
  const failing = providers.find(({ result }) => result === 'no answer')
  const place = failing === undefined ? '' : placeOfAsked(subject, failing)
  return [end(adviceOnCause(reason, event?.cause), place)]
}

function changesOnPrincipal({ subject, providers }: Found): readonly string[] {
  const failing = providers.find(({ result }) => result === 'no answer')
  const change = 'Let the service answer with a JSON object that has `principal`'
  if (failing?.type === 'custom') return [end(`${change}.`, at(subject, pathOf(failing.key)))]
  return [end(`${change}, or leave out \`identity\`.`, at(subject, ['identity']))]
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

function changesOnDetail(advice: Advice, found: Found): readonly string[] {
  const { subject, providers } = found
  const denying = providers.find(({ result }) => result === 'denied')
  const isCluster = denying?.type === 'kubernetes' && advice.key === 'audience'
  const key = isCluster ? 'audiences' : advice.key
  const place = key === undefined ? '' : at(subject, placeOf(key, denying))
  const server = serverOf(found, denying)
  const hint = server && advice[server]
  const change = isCluster ? advice.change.replace('`audience`', '`audiences`') : advice.change
  return [end(change, place), ...(server && hint ? [`${SERVERS[server]}: ${inKeys(hint)}`] : [])]
}

/** A tenant is asked for beside the providers. */
function placeOf(key: string, denying: ProviderTrace | undefined): OptionPath {
  return key === 'tenant' ? [key] : [...pathOf(denying?.key ?? ''), key]
}

type Server = 'keycloak' | 'hydra' | 'kubernetes'
const SERVERS: Readonly<Record<Server, string>> = {
  keycloak: 'With Keycloak',
  hydra: 'With Hydra',
  kubernetes: 'Kubernetes',
}

/** The server that an issuer, a URL or the token shows. Nothing is guessed. */
function serverOf({ subject, token }: Found, trace: ProviderTrace | undefined): Server | undefined {
  if (trace?.type === 'kubernetes') return 'kubernetes'
  if (trace?.type !== 'oauth2_token') return undefined
  const { verifier } = subject.watch.all().find(({ key }) => key === trace.key) ?? {}
  const claims = readUnverifiedPart(token, 'claims')
  const texts = [
    ...trace.asked.map(({ url }) => url),
    readName(claims, 'iss'),
    verifier?.describe(),
  ]
  const isShown = (part: string): boolean => JSON.stringify(texts).includes(part)
  if (isShown('/realms/')) return 'keycloak'
  const isOpaque = /^ory_[ar]t_/.test(token) || isShown('/admin/oauth2/introspect')
  const isJwt = isRecord(readName(claims, 'ext')) || readName(claims, 'rat') !== undefined
  return isOpaque || isJwt ? 'hydra' : undefined
}
