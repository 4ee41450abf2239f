import { parseOptions } from '../core/config/interpreter.ts'
import {
  foldName,
  invalidOption,
  invalidSecret,
  isHttpToken,
  isOptionsObject,
  readOptions,
} from '../core/config/option-checks.ts'
import { nodeModule } from '../core/runtime.ts'
import { createSigner, GATEWAY_HEADERS, parseSecrets } from '../verifiers/upstream/signature.ts'
import { inOrder } from './field-names.ts'
import { IDENTITY_HEADERS } from './identity-headers.ts'
import { createNodeFetch } from './node-fetch.ts'
import { parsePublicOrigin, parseUpstream } from './upstream-url.ts'
import type { Forwarding, UpstreamFetch, UpstreamRequest } from './exchange.ts'
import type { Table } from '../core/config/form.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { IdentityHeaderNames, IdentityHeaders } from './identity-headers.ts'
import type { NodeHttp } from './node-call.ts'
import type { GatewayFailure } from './refusal.ts'
import type { ClientAddress } from './incoming.ts'
import type { NameEncoding } from '../verifiers/upstream/signature.ts'
import type { Upstream } from './upstream-url.ts'

/** The options with their defaults. */
export interface ResolvedGateway {
  readonly upstream: Upstream
  readonly identityHeaders: IdentityHeaderNames
  readonly encoding: NameEncoding
  readonly forwardAuthorization: boolean
  /** Folded. A `*` at the end matches any rest. */
  readonly stripHeaders: readonly string[]
  readonly publicOrigin: URL | undefined
  readonly preserveHost: boolean
  readonly clientAddress: ClientAddress | undefined
  readonly timeoutMs: number
  readonly upstreamFetch: ChosenFetch
  readonly onFailure: ((failure: GatewayFailure) => void) | undefined
  readonly sign: Sign | undefined
}

/** Adds the signature to a request with an identity. */
type Sign = (forwarding: Forwarding) => Promise<void>

interface ParsedGateway extends Pick<
  ResolvedGateway,
  | 'upstream'
  | 'forwardAuthorization'
  | 'stripHeaders'
  | 'publicOrigin'
  | 'preserveHost'
  | 'clientAddress'
  | 'timeoutMs'
  | 'onFailure'
> {
  readonly allowInsecureHttp: boolean
  readonly identityHeaders: IdentityHeaders
  /** The secret. */
  readonly sign: string | undefined
  readonly fetch: UpstreamFetch | undefined
}

const TABLE: Table<ParsedGateway> = {
  upstream: {
    kind: 'code',
    is: 'upstream',
    isRequired: true,
    read: (value) => parseUpstream(value, true),
  },
  allowInsecureHttp: { kind: 'boolean', default: false },
  identityHeaders: IDENTITY_HEADERS,
  sign: { kind: 'code', is: 'sign', isSecret: true, read: parseSign },
  forwardAuthorization: { kind: 'boolean', default: false },
  stripHeaders: {
    kind: 'list',
    default: [],
    canBeEmpty: true,
    items: { kind: 'code', is: 'headerPattern', read: parsePattern },
    expected: 'a list of header names',
  },
  publicOrigin: { kind: 'code', is: 'origin', read: parsePublicOrigin },
  preserveHost: { kind: 'boolean', default: false },
  clientAddress: { kind: 'function' },
  timeoutMs: { kind: 'milliseconds', default: 600_000, min: 1, max: 3_600_000 },
  fetch: { kind: 'function' },
  onFailure: { kind: 'function' },
}

/** Parses the options. Throws `AuthConfigError` with all problems. */
export function resolveGateway(value: unknown): ResolvedGateway {
  const {
    allowInsecureHttp: _,
    identityHeaders,
    sign: secret,
    fetch,
    ...rest
  } = parseOptions(TABLE, value, [], (parsed, given, problems) => {
    if (parsed.upstream === undefined || parsed.allowInsecureHttp !== false) return
    problems.attempt(() => parseUpstream(given.upstream, false))
  })
  const { encoding, ...names } = identityHeaders
  return Object.freeze({
    ...rest,
    identityHeaders: names,
    encoding,
    publicOrigin: rest.publicOrigin,
    clientAddress: rest.clientAddress,
    onFailure: rest.onFailure,
    upstreamFetch: chooseFetch(fetch),
    sign: secret === undefined ? undefined : createSign(secret, encoding),
  })
}

function parsePattern(value: unknown, path: OptionPath): string {
  if (isNamePattern(value)) return foldPattern(value)
  const allowed = 'a header name, optionally with a "*" at its end, such as "x-webauth-*"'
  throw invalidOption(path, value, allowed)
}

function isNamePattern(value: unknown): value is string {
  return isHttpToken(value) && /^[^*]+\*?$/.test(value)
}

function foldPattern(pattern: string): string {
  return pattern.endsWith('*') ? `${foldName(pattern.slice(0, -1))}*` : foldName(pattern)
}

function parseSign(value: unknown, path: OptionPath): string {
  // A text may be the secret.
  if (!isOptionsObject(value)) throw invalidSecret(path, 'an object with `sign.secret`')
  const { secret } = readOptions(value, ['secret'], path)
  const [first = ''] = parseSecrets(secret, [...path, 'secret'])
  return first
}

function createSign(secret: string, encoding: NameEncoding): Sign {
  const sign = createSigner(secret, Date.now, encoding)
  return async ({ statement, init }) => {
    if (statement === undefined) return
    const signature = await sign(statement)
    // It is one of the gateway's own, which come first.
    const others = [...init.headers]
    init.headers.clear()
    init.headers.set(GATEWAY_HEADERS.signature, signature)
    for (const [name, value] of others) init.headers.set(name, value)
  }
}

/** A `fetch`, and how it treats a compressed response. */
interface ChosenFetch {
  readonly fetch: UpstreamFetch
  /** Whether it decodes a body and leaves `Content-Encoding` in the headers. */
  readonly decodesSilently: boolean
  /** Whether it sends a body with GET and HEAD, which Fetch does not allow. */
  readonly sendsAnyBody: boolean
}

/** Returns the given `fetch`, or else the one that suits the runtime. */
export function chooseFetch(given: UpstreamFetch | undefined): ChosenFetch {
  // When Deno's `fetch` decodes a body, it removes `Content-Encoding`.
  const decodesSilently = !('Deno' in globalThis)
  if (given !== undefined) return { fetch: given, decodesSilently, sendsAnyBody: false }
  const http = nodeModule('node:http')
  const https = nodeModule('node:https')
  if (isNodeHttp(http) && isNodeHttp(https)) {
    const fetch = createNodeFetch({ http, https })
    return { fetch, decodesSilently: false, sendsAnyBody: true }
  }
  const isBun = 'Bun' in globalThis
  return { fetch: createFetch(), decodesSilently: decodesSilently && !isBun, sendsAnyBody: false }
}

function isNodeHttp(module: unknown): module is NodeHttp {
  return typeof module === 'object' && module !== null && 'request' in module
}

// Bun must not decode the body, nor end the call after five minutes.
const ON_BUN = { decompress: false, timeout: false } as const

function createFetch(): UpstreamFetch {
  const connections = new Map<string, object>()
  // Looks `fetch` up at each call, so that instrumentation installed later sees it.
  return (url, init) =>
    fetch(url, {
      ...init,
      // Deno keeps the order of a list. Bun and Workers sort the headers.
      headers: inOrder(init.headers, init.ownHeaders),
      ...('Bun' in globalThis ? ON_BUN : {}),
      ...connectionFor(init, connections),
    })
}

/**
 * Options for Bun and Deno. Some servers send a body to HEAD after the head, which would look like the next response. Deno sends
 * another `Host` only by a client that allows it.
 */
function connectionFor(
  { method, headers }: UpstreamRequest,
  connections: Map<string, object>,
): object {
  const [isOnce, allowHost] = [method === 'HEAD', headers.has('host')]
  if (!isOnce && !allowHost) return {}
  const key = `${isOnce} ${allowHost}`
  const options = connections.get(key) ?? createConnection(isOnce, allowHost)
  connections.set(key, options)
  return options
}

function createConnection(isOnce: boolean, allowHost: boolean): object {
  const create: unknown = Reflect.get(Object(Reflect.get(globalThis, 'Deno')), 'createHttpClient')
  if (typeof create !== 'function') return isOnce ? { keepalive: false } : {}
  return { client: create({ allowHost, ...(isOnce ? { poolMaxIdlePerHost: 0 } : {}) }) }
}
