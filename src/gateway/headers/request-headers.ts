import { ignore } from '../../core/async.ts'
import { foldName } from '../../core/config/option-checks.ts'
import { createSecrets } from './secrets.ts'
import { isRemovedFromRequest, namesInConnection } from '../field-names.ts'
import { GATEWAY_HEADERS } from '../../verifiers/upstream/signature.ts'
import type { SecretSource } from '../../core/response/admission.ts'
import type { Field } from '../field-names.ts'
import type { IdentityHeaderNames } from '../identity-headers.ts'

/**
 * Copies the client's headers that the upstream may see. The request id replaces the client's header of that name, in every
 * spelling, and `Connection` cannot remove it. A removed header cannot carry it.
 */
export type CopyHeaders = (
  headers: Headers,
  credentials: readonly SecretSource[],
  requestId?: Field,
) => Headers

/** Which headers of a client are removed, besides those of `field-names.ts`. */
export interface CopyOptions {
  readonly identityHeaders: IdentityHeaderNames
  readonly forwardAuthorization: boolean
  readonly stripHeaders: readonly string[]
}

/**
 * Returns a function that copies headers. It compares folded names: no spelling of an identity header gets through. It removes
 * the default identity headers and a signature even when others are configured, since the upstream may still read them.
 */
export function createCopyHeaders({
  identityHeaders,
  forwardAuthorization,
  stripHeaders,
}: CopyOptions): CopyHeaders {
  const identity = [...Object.values(GATEWAY_HEADERS), ...Object.values(identityHeaders)]
  const names = identity.filter((name) => name !== undefined).map(foldName)
  const removed = new Set([...names, ...stripHeaders])
  const prefixes = stripHeaders.filter(isPrefix).map((name) => name.slice(0, -1))
  if (!forwardAuthorization) removed.add('authorization')
  return (headers, credentials, requestId) => {
    const named = namesInConnection(headers)
    const secrets = createSecrets(credentials, forwardAuthorization)
    const isRemoved = (folded: string): boolean =>
      isRemovedFromRequest(folded) ||
      removed.has(folded) ||
      secrets.names.has(folded) ||
      prefixes.some((prefix) => folded.startsWith(prefix))
    const idName = requestId === undefined ? '' : foldName(requestId[0])
    const copy = new Headers()
    headers.forEach((value, name) => {
      const folded = foldName(name)
      if (folded === idName || isRemoved(folded)) return
      if (secrets.isOtherSpelling(name, folded)) return
      if (!named.has(name.toLowerCase())) copy.append(name, value)
    })
    if (requestId !== undefined && !isRemoved(idName)) copy.set(...requestId)
    secrets.removeItems(copy)
    return copy
  }
}

function isPrefix(name: string): boolean {
  return name.endsWith('*')
}

/** Returns the client's address. The extra arguments hold what the server knows about it. */
export type ClientAddress<Args extends readonly unknown[] = readonly unknown[]> = (
  request: Request,
  ...args: Args
) => string | undefined

/** Returns the `X-Forwarded-*` headers of a request, or `undefined` if its host is malformed. */
export type FactsOf = (request: Request, args: readonly unknown[]) => readonly Field[] | undefined

const ORIGIN = /^(https?):\/\/([^/]+)/

// RFC 3986 §3.2.2. Fetch joins a second `Host` with a comma and a space, and the pattern excludes the space.
const HOST = /^(?:\[[\w:.%~-]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i

// srvx puts this into the URL for a host that it cannot parse.
const INVALID_HOST = '_invalid_'

/** Returns a function that reads scheme, host and address from the options, or else from the request's URL. */
export function createFacts({
  publicOrigin,
  preserveHost = false,
  clientAddress,
}: {
  readonly publicOrigin: URL | undefined
  readonly preserveHost?: boolean
  readonly clientAddress: ClientAddress | undefined
}): FactsOf {
  return (request, args) => {
    const [, scheme, host] = ORIGIN.exec(publicOrigin?.href ?? request.url) ?? []
    if (scheme === undefined || host === undefined || !isHost(host)) return undefined
    if (!HOST.test(request.headers.get('host') ?? '')) return undefined
    const address = addressOf(clientAddress, request, args)
    const facts = [['x-forwarded-proto', scheme], ['x-forwarded-host', host], ...address] as const
    if (!preserveHost) return facts
    const [, , called = ''] = ORIGIN.exec(request.url) ?? []
    return isHost(called) ? [['host', called], ...facts] : undefined
  }
}

function isHost(host: string): boolean {
  return host !== '' && host !== INVALID_HOST && HOST.test(host)
}

function addressOf(
  clientAddress: ClientAddress | undefined,
  request: Request,
  args: readonly unknown[],
): readonly Field[] {
  try {
    const address: unknown = clientAddress?.(request, ...args)
    ignore(address)
    const isAddress = typeof address === 'string' && /^[\w.:%-]{1,64}$/.test(address)
    return isAddress ? [['x-forwarded-for', address]] : []
  } catch {
    return []
  }
}
