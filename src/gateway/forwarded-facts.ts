import { ignore } from '../core/async.ts'
import type { Field } from './field-names.ts'
import type { ResolvedGateway } from './options.ts'

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
}: Pick<ResolvedGateway, 'publicOrigin' | 'clientAddress'>): FactsOf {
  return (request, args) => {
    const [, scheme, host] = ORIGIN.exec(publicOrigin?.href ?? request.url) ?? []
    if (scheme === undefined || host === undefined || host === NOT_UNDERSTOOD) return undefined
    if (!HOST.test(host) || !HOST.test(request.headers.get('host') ?? '')) return undefined
    const address = addressOf(clientAddress, request, args)
    return [['x-forwarded-proto', scheme], ['x-forwarded-host', host], ...address]
  }
}

function addressOf(
  clientAddress: ResolvedGateway['clientAddress'],
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
