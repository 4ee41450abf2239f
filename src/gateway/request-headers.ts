import { foldName } from '../core/config/option-checks.ts'
import { endsAtGateway, namesInConnection } from './field-names.ts'
import { DEFAULT_NAMES } from './identity-headers.ts'
import type { CredentialsSource } from '../core/auth-config.ts'
import type { Field } from './field-names.ts'
import type { IdentityHeaderNames } from './identity-headers.ts'

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
