import { ignore } from '../core/async.ts'
import { foldName } from '../core/config/option-checks.ts'
import { endsAtGateway, namesInConnection } from './field-names.ts'
import type { CredentialsSource } from '../core/auth-config.ts'
import type { Auth } from '../core/types.ts'
import type { Field } from './field-names.ts'

/**
 * Copies what of a client's headers is for the upstream. The request id takes the place of the client's field of that name, in
 * each spelling, and `Connection` cannot remove it. It can be in no field that ends at the gateway.
 */
export type CopyHeaders = (
  headers: Headers,
  credentials: readonly CredentialsSource[],
  requestId?: Field,
) => Headers

/** Which fields of every client end at the gateway, beside those that do anyway. */
export interface CopyOptions {
  readonly identityHeaders: IdentityHeaderNames
  readonly forwardAuthorization: boolean
  readonly stripHeaders: readonly string[]
}

/**
 * Makes the copier. Names are compared folded, so that no other spelling of an identity header gets through. The defaults
 * are taken away under other names too: an upstream may still know them.
 */
export function createCopyHeaders({
  identityHeaders,
  forwardAuthorization,
  stripHeaders,
}: CopyOptions): CopyHeaders {
  const identity = [...Object.values(DEFAULT_NAMES), ...Object.values(identityHeaders)]
  const always = new Set(identity.filter((name) => name !== undefined).map(foldName))
  const families = stripHeaders.filter(isFamily).map((name) => name.slice(0, -1))
  for (const name of stripHeaders) always.add(name)
  if (!forwardAuthorization) always.add('authorization')
  return (headers, credentials, requestId) => {
    const named = namesInConnection(headers)
    const sources = forwardAuthorization ? [] : credentials
    const secret = new Set(sources.flatMap(fieldOf))
    const endsHere = (folded: string): boolean =>
      endsAtGateway(folded) ||
      always.has(folded) ||
      secret.has(folded) ||
      families.some((family) => folded.startsWith(family))
    const idName = requestId === undefined ? undefined : foldName(requestId[0])
    const copy = new Headers()
    headers.forEach((value, name) => {
      const folded = foldName(name)
      if (folded === idName || endsHere(folded)) return
      if (!named.has(name.toLowerCase())) copy.append(name, value)
    })
    if (requestId !== undefined && !endsHere(foldName(requestId[0]))) copy.set(...requestId)
    removeCookies(copy, sources)
    return copy
  }
}

function isFamily(name: string): boolean {
  return name.endsWith('*')
}

function fieldOf(source: CredentialsSource): string[] {
  if (source === 'bearer' || 'cookie' in source) return []
  return [foldName('header' in source ? source.header : 'sec-websocket-protocol')]
}

// The other cookies are the upstream's.
function removeCookies(headers: Headers, sources: readonly CredentialsSource[]): void {
  const names = sources.flatMap((source) =>
    source !== 'bearer' && 'cookie' in source ? [source.cookie] : [],
  )
  const cookie = headers.get('cookie')
  if (cookie === null || names.length === 0) return
  const pairs = cookie.split(';').map((pair) => pair.trim())
  const kept = pairs.filter((pair) => !names.includes(pair.split('=')[0]?.trim() ?? ''))
  headers.delete('cookie')
  if (kept.length > 0) headers.set('cookie', kept.join('; '))
}

/** The fields that tell the upstream who sent a request; `undefined` for what it is not told. */
export interface IdentityHeaderNames {
  readonly principal: string | undefined
  readonly attributes: string | undefined
}

export const DEFAULT_NAMES: { readonly principal: string; readonly attributes: string } = {
  principal: 'x-auth-principal',
  attributes: 'x-auth-attributes',
}

// Many servers take no head of more than 16 KiB, and what is cut is another identity.
const MAX_LENGTH = 8192

/**
 * The fields for an identity, or `undefined` if it cannot be told: a control character in the principal, a lone surrogate, or
 * more than 8,192 characters.
 */
export function identityFields(
  { principal, attributes }: Auth,
  names: IdentityHeaderNames,
): readonly Field[] | undefined {
  const fields: Field[] = []
  if (names.principal !== undefined && principal !== undefined) {
    const value = encodePrincipal(principal)
    if (value === undefined) return undefined
    fields.push([names.principal, value])
  }
  if (names.attributes !== undefined && Object.keys(attributes).length > 0) {
    fields.push([names.attributes, encodeAttributes(attributes)])
  }
  return fields.some(([, value]) => value.length > MAX_LENGTH) ? undefined : fields
}

/**
 * A principal as a field value: itself, but for what is no printable ASCII, blanks at its ends (which every server trims) and
 * `%`, which are percent-encoded as UTF-8. So `decodeURIComponent` gives it back, and no two are the same.
 */
export function encodePrincipal(principal: string): string | undefined {
  if (/[\p{Cc}\p{Cs}]/u.test(principal)) return undefined
  return principal.replace(/[^\x20-\x7e]+|%|^ | $/gu, encodeURIComponent)
}

/** Attributes as JSON in ASCII, which no server reads in two ways. */
export function encodeAttributes(attributes: Auth['attributes']): string {
  return JSON.stringify(attributes).replace(/[^\x20-\x7e]/g, escapeUnit)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Says which address a request comes from; what servers know of it is in the extra arguments. */
export type ClientAddress<Args extends readonly unknown[] = readonly unknown[]> = (
  request: Request,
  ...args: Args
) => string | undefined

/** The fields that describe the client's side to the upstream, or `undefined` if the host is malformed. */
export type FactsOf = (request: Request, args: readonly unknown[]) => readonly Field[] | undefined

const ORIGIN = /^(https?):\/\/([^/]+)/

// RFC 3986 §3.2.2. A second `Host` field is here joined by a comma and a space, which the pattern excludes.
const HOST = /^(?:\[[\w:.%~-]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i

// srvx puts this into the URL for a host that it does not understand.
const NOT_UNDERSTOOD = '_invalid_'

/** Makes the function that says what is known: by the options, else by the request's URL, and by nothing else. */
export function createFacts({
  publicOrigin,
  clientAddress,
}: {
  readonly publicOrigin: URL | undefined
  readonly clientAddress: ClientAddress | undefined
}): FactsOf {
  return (request, args) => {
    const [, scheme, host] = ORIGIN.exec(publicOrigin?.href ?? request.url) ?? []
    if (scheme === undefined || host === undefined || host === NOT_UNDERSTOOD) return undefined
    if (!HOST.test(host) || !HOST.test(request.headers.get('host') ?? '')) return undefined
    const address = addressOf(clientAddress, request, args)
    return [['x-forwarded-proto', scheme], ['x-forwarded-host', host], ...address]
  }
}

function addressOf(
  clientAddress: ClientAddress | undefined,
  request: Request,
  args: readonly unknown[],
): readonly Field[] {
  if (clientAddress === undefined) return []
  try {
    const address: unknown = clientAddress(request, ...args)
    ignore(address)
    const isAddress = typeof address === 'string' && /^[\w.:%-]{1,64}$/.test(address)
    return isAddress ? [['x-forwarded-for', address]] : []
  } catch {
    return []
  }
}
