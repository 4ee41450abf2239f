import { foldName, isHttpToken } from '../core/config/option-checks.ts'
import { hidesStructure, isPlainHost, parseTarget } from '../core/request/target.ts'
import { OVERRIDE_HEADERS } from '../core/response/exemption.ts'
import { isHopByHop } from '../gateway/field-names.ts'
import { hasTooManyFields, incomingOf } from '../gateway/incoming.ts'
import { mayPass } from '../gateway/refusal.ts'
import { parseAddress } from '../verifiers/upstream/address.ts'
import { GATEWAY_HEADERS } from '../verifiers/upstream/signature.ts'
import { createFailure } from './failure.ts'
import type { ForwardAuthFailure, ForwardAuthFailureCode } from './failure.ts'
import type { ResolvedForwardAuth } from './options.ts'

/** The client's request, as the proxy describes it in a subrequest. */
interface Received {
  /** The request for the guard, or the failure of a subrequest that describes none. */
  readonly judged: Request | ForwardAuthFailure
  /** For the log. Empty if the target is malformed. */
  readonly path: string
  /** For the log. Empty if the proxy sends none. */
  readonly method: string
}

export interface Receiver {
  /** Reads a subrequest, of which a server may show Node's own in `args`. Never throws, and leaves the body alone. */
  readonly receive: (subrequest: Request, args?: readonly unknown[]) => Received
  /** The client's address, of a subrequest or of the request that it describes. `undefined` if the proxy knows none. */
  readonly addressOf: (request: Request) => string | undefined
}

/** What a subrequest says of the client's request. */
interface Described {
  readonly target: string
  readonly method: string
  readonly host: string
  readonly scheme: string
}

type Problem = readonly [code: ForwardAuthFailureCode, ...headers: string[]]

type ReceiveOptions = Pick<ResolvedForwardAuth, 'preset' | 'rawTargets' | 'identityHeaders'>

const CROWDED: Problem = ['too_many_headers']
const HOST = 'x-forwarded-host'
const SCHEME = 'x-forwarded-proto'
const ADDRESS = 'x-forwarded-for'
const OVERRIDES = new Set(OVERRIDE_HEADERS)

// Traefik gives the scheme of a WebSocket as `ws`.
const SCHEMES: ReadonlyMap<string, string> = new Map([
  ['http', 'http'],
  ['https', 'https'],
  ['ws', 'http'],
  ['wss', 'https'],
])

// Raw bytes reach the upstream undecoded. As text they would be another path than the one that the upstream reads.
const TARGET = /^\/[!-~]*$/

/**
 * Takes the target, the method, the host, the scheme and the address from exactly the headers of a preset. All five are required:
 * in place of a header that the proxy does not set, a client can send its own.
 */
export function createReceiver({ preset, rawTargets, identityHeaders }: ReceiveOptions): Receiver {
  const addresses = new WeakMap<Request, string | undefined>()
  const single = [preset.target, preset.method, HOST, SCHEME]
  const isWithheld = createWithheld(Object.values(identityHeaders))

  const describe = (headers: Headers): Described => {
    const read = (name: string): string => headers.get(name) ?? ''
    const { target, method } = preset
    return { target: read(target), method: read(method), host: read(HOST), scheme: read(SCHEME) }
  }

  const findProblem = (headers: Headers, told: Described, path?: string): Problem | undefined => {
    const { target, method, host, scheme } = told
    const missing = [...single, ADDRESS].filter((name) => !headers.has(name))
    if (missing.length > 0) return ['proxy_misconfigured', ...missing]
    // Fetch joins two headers of one name with a comma and a space.
    const doubled = single.filter((name) => headers.get(name)?.includes(', '))
    if (doubled.length > 0) return ['proxy_misconfigured', ...doubled]
    if (!SCHEMES.has(scheme)) return ['proxy_misconfigured', SCHEME]
    if (!TARGET.test(target) || path === undefined) return ['malformed_request', preset.target]
    // A URL without a host takes the start of its path for one.
    if (host === '' || !isPlainHost(host)) return ['malformed_request', HOST]
    if (!isHttpToken(method)) return ['malformed_request', preset.method]
    if (!rawTargets && isReadDifferently(path)) return ['malformed_request', preset.target]
    return mayPass(method) ? undefined : ['method_not_allowed', preset.method]
  }

  const judge = (headers: Headers, told: Described): Request | undefined => {
    const { target, method, host, scheme } = told
    try {
      const passed = new Headers()
      headers.forEach((value, name) => {
        const folded = foldName(name)
        // An upstream that folds names as CGI does reads `x_method_override` too.
        if (!isWithheld(folded)) passed.append(OVERRIDES.has(folded) ? folded : name, value)
      })
      passed.set('host', host)
      return new Request(`${SCHEMES.get(scheme)}://${host}${target}`, { method, headers: passed })
    } catch {
      // A URL parser accepts fewer hosts. Some runtimes accept a header in a request that they reject in `Headers`.
      return undefined
    }
  }

  const receive: Receiver['receive'] = (subrequest, args = []) => {
    const { headers } = subrequest
    const told = describe(headers)
    const path = parseTarget(`http://host${told.target}`)?.path
    // A server on Node drops the fields behind a thousand, and those of the proxy may come last.
    const isCrowded = hasTooManyFields(subrequest, incomingOf(subrequest, args))
    const problem = isCrowded ? CROWDED : findProblem(headers, told, path)
    const made = problem === undefined ? judge(headers, told) : undefined
    const [code, ...names] = problem ?? (['malformed_request', HOST] as const)
    const address = addressIn(headers.get(ADDRESS))
    for (const request of [subrequest, made ?? subrequest]) addresses.set(request, address)
    return { judged: made ?? createFailure(code, names), path: path ?? '', method: told.method }
  }
  return { receive, addressOf: (request) => addresses.get(request) }
}

// nginx decodes `%2f`, merges `//` and resolves dots, unless it passes on `$request_uri`. Java's servers cut a segment at its `;`.
function isReadDifferently(path: string): boolean {
  return hidesStructure(path) || /%3b/i.test(path)
}

// The proxy knows the peer of its own connection, and adds it at the end.
function addressIn(list: string | null): string | undefined {
  return parseAddress(list?.split(',').at(-1)?.trim() ?? '')?.text
}

/** Makes a function that says whether the endpoint is not told of a header: it is about the subrequest, or it claims an identity. */
function createWithheld(names: readonly (string | undefined)[]): (folded: string) => boolean {
  const identity = [...Object.values(GATEWAY_HEADERS), ...names].filter(
    (name) => name !== undefined,
  )
  const own = ['accept-encoding', 'content-length', 'expect']
  const withheld = new Set([...identity.map(foldName), ...own])
  return (folded) =>
    withheld.has(folded) || isHopByHop(folded) || /^x-(?:forwarded|original)-/.test(folded)
}
